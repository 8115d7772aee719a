package org.clip4j.data.internal.loader;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.clip4j.text.TokenBatch;

/** A batch being filled. */
final class BatchDraft {
  private final byte[] pixels; // [rows, 3, H, W]
  private final int imageBytes;
  private final List<int[]> ids;
  private final List<String> captions;
  private final List<String> names;
  private final int[] indices;

  BatchDraft(int rows, int imageBytes) {
    this.pixels = new byte[rows * imageBytes];
    this.imageBytes = imageBytes;
    this.ids = new ArrayList<>(rows);
    this.captions = new ArrayList<>(rows);
    this.names = new ArrayList<>(rows);
    this.indices = new int[rows];
  }

  int size() {
    return ids.size();
  }

  void add(PairDecoder.Loaded loaded) {
    int row = size();
    System.arraycopy(loaded.pixels(), 0, pixels, row * imageBytes, imageBytes);
    indices[row] = loaded.drawn().index();
    ids.add(loaded.ids());
    captions.add(loaded.text());
    names.add(loaded.name());
  }

  PairBatch batch(int epoch, int index, LoaderPosition next) {
    int size = size();
    boolean full = size == indices.length;
    return new PairBatch(
        size,
        full ? pixels : Arrays.copyOf(pixels, size * imageBytes),
        TokenBatch.of(ids),
        List.copyOf(captions),
        firstRows(size, row -> IntBuffer.wrap(ids.get(row))), // a buffer is equal by its content
        List.copyOf(names),
        firstRows(size, names::get),
        full ? indices : Arrays.copyOf(indices, size),
        epoch,
        index,
        next);
  }

  /** Per row the first that is equal to it. */
  private static int[] firstRows(int size, IntFunction<Object> row) {
    Map<Object, Integer> seen = new HashMap<>();
    int[] first = new int[size];
    for (int i = 0; i < size; i++) {
      Integer earlier = seen.putIfAbsent(row.apply(i), i);
      first[i] = earlier == null ? i : earlier;
    }
    return first;
  }
}
