package org.clip4j.data;

import java.io.IOException;
import java.nio.IntBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.clip4j.text.TokenBatch;
import org.clip4j.text.Tokenizer;

/**
 * The loader's own thread: shuffles, has pairs decoded ahead by others, and puts them into batches
 * in the shuffled order. What comes out therefore never depends on which decoder is faster.
 */
final class BatchAssembler implements Runnable {

  /** What all epochs share. */
  record Settings(
      PairSource source,
      PixelTransform transform,
      int imageBytes,
      Tokenizer tokenizer,
      int batchSize,
      long seed,
      int window) {}

  /** A pair on its way; no result when its image is known to be unreadable. */
  private record Pending(int index, Future<Loaded> result) {}

  /** A pair as far as it could be loaded: either pixels, or the reason why not. */
  private record Loaded(
      int index,
      int caption,
      String text,
      int[] ids,
      byte[] pixels,
      String name,
      IOException why) {}

  private final Settings settings;
  private final LoaderPosition start;
  private final ExecutorService decoders;
  private final LoaderCache cache;
  private final UnreadableLog unreadable;
  private final BatchQueue queue;

  BatchAssembler(
      Settings settings,
      LoaderPosition start,
      ExecutorService decoders,
      LoaderCache cache,
      UnreadableLog unreadable,
      BatchQueue queue) {
    this.settings = settings;
    this.start = start;
    this.decoders = decoders;
    this.cache = cache;
    this.unreadable = unreadable;
    this.queue = queue;
  }

  @Override
  public void run() {
    try {
      LoaderPosition from = start;
      while (true) {
        runEpoch(from);
        from = new LoaderPosition(from.epoch() + 1, 0, 0);
      }
    } catch (InterruptedException e) {
      // The loader was closed.
    } catch (ExecutionException e) {
      queue.fail(e.getCause());
    } catch (IOException | RuntimeException | Error e) {
      queue.fail(e);
    }
  }

  private void runEpoch(LoaderPosition from)
      throws IOException, InterruptedException, ExecutionException {
    int size = settings.source.size();
    int batchSize = settings.batchSize;
    int epoch = from.epoch();
    int[] order = new SeededRandom(SeededRandom.SHUFFLE, settings.seed, epoch).permutation(size);
    ArrayDeque<Pending> ahead = new ArrayDeque<>();
    int first = Math.min(from.offset(), size);
    int submitted = first;
    int consumed = first;
    int skipped = 0;
    int batch = from.batch();
    Draft draft = null;
    while (true) {
      // 1. Have pairs decoded ahead, but none that only an incomplete last batch could use.
      int wholeBatches = (size - first - skipped) / batchSize;
      int end =
          wholeBatches == 0 && from.batch() == 0
              ? size // the set is smaller than a batch
              : first + wholeBatches * batchSize + skipped;
      while (submitted < end && ahead.size() < settings.window) {
        ahead.add(submit(epoch, order[submitted++]));
      }
      if (ahead.isEmpty()) {
        break;
      }
      // 2. Take the next in order.
      Pending pending = ahead.remove();
      Loaded loaded = pending.result == null ? null : pending.result.get();
      if (Thread.interrupted()) {
        throw new InterruptedException(); // reads fail while closing; that is not to be reported
      }
      consumed++;
      if (loaded == null || loaded.why != null) {
        if (loaded != null) {
          unreadable.add(loaded.index, loaded.name, loaded.why);
        }
        skipped++;
        continue;
      }
      cache.keepPixels(loaded.index, loaded.pixels);
      cache.keepTokens(loaded.index, loaded.caption, loaded.ids);
      // 3. Add it to the batch.
      if (draft == null) {
        queue.awaitRoom();
        draft = new Draft(Math.min(batchSize, size), settings.imageBytes);
      }
      draft.add(loaded);
      if (draft.size() == batchSize) {
        queue.put(draft.batch(epoch, batch, new LoaderPosition(epoch, batch + 1, consumed)));
        batch++;
        draft = null;
      }
    }
    if (batch == 0) {
      if (draft == null) {
        throw unreadable.nothingReadable();
      }
      queue.put(draft.batch(epoch, 0, new LoaderPosition(epoch + 1, 0, 0)));
    }
  }

  private Pending submit(int epoch, int index) {
    return new Pending(
        index, unreadable.contains(index) ? null : decoders.submit(() -> load(epoch, index)));
  }

  /** Runs on a decode thread. */
  private Loaded load(int epoch, int index) {
    String name = "pair " + index;
    try {
      ImageTextPair pair = settings.source.get(index);
      name = pair.image().name();
      int caption =
          new SeededRandom(SeededRandom.CAPTION, settings.seed, epoch, index)
              .nextInt(pair.captions().size());
      String text = pair.captions().get(caption);
      byte[] pixels = cache.pixels(index);
      if (pixels == null) {
        try {
          pixels = settings.transform.apply(pair.image().read());
        } catch (IOException e) {
          return new Loaded(index, caption, text, null, null, name, e);
        }
        if (pixels.length != settings.imageBytes) {
          throw new IllegalStateException(
              "the transform gave "
                  + pixels.length
                  + " bytes where its height and width need "
                  + settings.imageBytes);
        }
      }
      int[] ids = cache.tokens(index, caption);
      if (ids == null) {
        ids = settings.tokenizer.encode(text);
      }
      return new Loaded(index, caption, text, ids, pixels, name, null);
    } catch (RuntimeException e) {
      throw new IllegalStateException("loading pair " + index + " (" + name + ") failed: " + e, e);
    }
  }

  /** A batch being filled. */
  private static final class Draft {
    private final byte[] pixels; // [rows, 3, H, W]
    private final int imageBytes;
    private final List<int[]> ids;
    private final List<String> captions;
    private final int[] indices;

    Draft(int rows, int imageBytes) {
      this.pixels = new byte[rows * imageBytes];
      this.imageBytes = imageBytes;
      this.ids = new ArrayList<>(rows);
      this.captions = new ArrayList<>(rows);
      this.indices = new int[rows];
    }

    int size() {
      return ids.size();
    }

    void add(Loaded loaded) {
      int row = size();
      System.arraycopy(loaded.pixels, 0, pixels, row * imageBytes, imageBytes);
      indices[row] = loaded.index;
      ids.add(loaded.ids);
      captions.add(loaded.text);
    }

    PairBatch batch(int epoch, int index, LoaderPosition next) {
      int size = size();
      boolean full = size == indices.length;
      Map<IntBuffer, Integer> firstRows = new HashMap<>(); // a buffer is equal by its content
      int[] captionIds = new int[size];
      for (int row = 0; row < size; row++) {
        Integer earlier = firstRows.putIfAbsent(IntBuffer.wrap(ids.get(row)), row);
        captionIds[row] = earlier == null ? row : earlier;
      }
      return new PairBatch(
          size,
          full ? pixels : Arrays.copyOf(pixels, size * imageBytes),
          TokenBatch.of(ids),
          List.copyOf(captions),
          captionIds,
          full ? indices : Arrays.copyOf(indices, size),
          epoch,
          index,
          next);
    }
  }
}
