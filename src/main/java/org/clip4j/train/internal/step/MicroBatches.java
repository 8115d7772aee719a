package org.clip4j.train.internal.step;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.encode.PixelInput;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.text.TokenBatch;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.MicroBatchData;

/** Cuts batches into micro-batches. */
final class MicroBatches {
  private final NDManager manager;
  private final ImageTransform transform;
  private final int size;
  private final ClipConfig config;
  private final PatchDropout dropout;
  private final AdapterDropout adapterDropout;
  private final Map<Device, PixelInput> pixels = new ConcurrentHashMap<>();

  /**
   * For one training.
   *
   * @param manager owns what normalises images
   * @param transform says how pixels are normalised
   * @param size most pairs of a micro-batch
   * @param config of the model: whether it normalises over its micro-batch, and how texts are
   *     padded
   * @param dropout null for none
   * @param adapterDropout null for none
   */
  MicroBatches(
      NDManager manager,
      ImageTransform transform,
      int size,
      ClipConfig config,
      PatchDropout dropout,
      AdapterDropout adapterDropout) {
    this.manager = manager;
    this.transform = transform;
    this.size = size;
    this.config = config;
    this.dropout = dropout;
    this.adapterDropout = adapterDropout;
  }

  /**
   * The micro-batches of a batch, of sizes as even as can be: batch norms see one at a time.
   *
   * @param atLeast as many, if there are so many pairs: one for each device
   */
  List<BatchGradients.MicroBatch> of(PairBatch batch, int atLeast) {
    List<BatchGradients.MicroBatch> parts = new ArrayList<>();
    int count = count(batch, atLeast);
    for (int i = 0; i < count; i++) {
      parts.add(part(batch, start(batch, i, count), start(batch, i + 1, count)));
    }
    return parts;
  }

  private int count(PairBatch batch, int atLeast) {
    return Math.min(batch.size(), Math.max(atLeast, (batch.size() + size - 1) / size));
  }

  private static int start(PairBatch batch, int part, int count) {
    return (int) ((long) batch.size() * part / count);
  }

  private BatchGradients.MicroBatch part(PairBatch batch, int from, int to) {
    checkSize(to - from);
    return part(
        to - from,
        () -> pixels(batch, from, to),
        dropout == null ? null : () -> dropout.kept(batch, from, to),
        () -> ids(batch, from, to),
        adapterDropout == null ? null : () -> adapterDropout.rows(batch, from, to));
  }

  /**
   * The parts of a batch for workers elsewhere: consecutive micro-batches, as even as can be.
   *
   * @param most how many parts
   */
  List<BatchPart> parts(PairBatch batch, int most) {
    int count = count(batch, most);
    int parts = Math.min(most, count);
    List<BatchPart> all = new ArrayList<>();
    for (int part = 0; part < parts; part++) {
      int first = (int) ((long) count * part / parts);
      int end = (int) ((long) count * (part + 1) / parts);
      List<MicroBatchData> micro = new ArrayList<>();
      for (int i = first; i < end; i++) {
        int from = start(batch, i, count);
        int to = start(batch, i + 1, count);
        micro.add(
            new MicroBatchData(
                to - from,
                pixels(batch, from, to),
                dropout == null ? null : dropout.kept(batch, from, to),
                ids(batch, from, to),
                adapterDropout == null ? null : adapterDropout.rows(batch, from, to)));
      }
      all.add(new BatchPart(part, start(batch, first, count), List.copyOf(micro)));
    }
    return all;
  }

  /** A micro-batch that has come from elsewhere. */
  BatchGradients.MicroBatch part(MicroBatchData micro) {
    return part(
        micro.size(),
        micro::pixels,
        micro.kept() == null ? null : micro::kept,
        micro::ids,
        micro.rows() == null ? null : micro::rows);
  }

  private BatchGradients.MicroBatch part(
      int size,
      Supplier<byte[]> pixels,
      Supplier<long[]> kept,
      Supplier<long[]> ids,
      Supplier<long[]> rows) {
    return new BatchGradients.MicroBatch(
        size,
        scratch -> on(scratch.getDevice()).of(scratch, size, pixels.get()),
        kept == null ? null : matrix(size, kept),
        matrix(size, ids),
        rows == null ? null : scratch -> HostMemory.upload(scratch, new Shape(size), rows.get()));
  }

  private static Function<NDManager, NDArray> matrix(int rows, Supplier<long[]> values) {
    return scratch -> {
      long[] all = values.get();
      return HostMemory.upload(scratch, new Shape(rows, all.length / rows), all);
    };
  }

  private byte[] pixels(PairBatch batch, int from, int to) {
    int image = batch.pixels().length / batch.size();
    return Arrays.copyOfRange(batch.pixels(), from * image, to * image);
  }

  private long[] ids(PairBatch batch, int from, int to) {
    TokenBatch tokens = batch.tokens().range(from, to);
    return tokens.padded(config.text().paddedLength(tokens.maxLength()));
  }

  private void checkSize(int pairs) {
    if (pairs < 2 && config.vision().hasBatchNorm()) {
      throw new IllegalStateException(
          "a "
              + config.vision().family()
              + " normalises over its micro-batch, which needs at least 2 images; raise the"
              + " micro-batch size of "
              + size
              + ", or add pairs");
    }
  }

  private PixelInput on(Device device) {
    return pixels.computeIfAbsent(device, d -> new PixelInput(manager.newSubManager(d), transform));
  }
}
