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
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.PixelKernels;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.text.TokenBatch;

/** Cuts batches into micro-batches. */
final class MicroBatches {
  private final NDManager manager;
  private final ImageTransform transform;
  private final int size;
  private final ClipConfig config;
  private final PatchDropout dropout;
  private final AdapterDropout adapterDropout;
  private final Map<Device, PixelKernels> pixels = new ConcurrentHashMap<>();

  /**
   * For one training.
   *
   * @param manager owns what normalises images
   * @param transform gives the images their size and their mean and deviation
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
    int count = Math.min(batch.size(), Math.max(atLeast, (batch.size() + size - 1) / size));
    for (int i = 0; i < count; i++) {
      int from = (int) ((long) batch.size() * i / count);
      parts.add(part(batch, from, (int) ((long) batch.size() * (i + 1) / count)));
    }
    return parts;
  }

  private BatchGradients.MicroBatch part(PairBatch batch, int from, int to) {
    if (to - from < 2 && config.vision().hasBatchNorm()) {
      throw new IllegalStateException(
          "a "
              + config.vision().family()
              + " normalises over its micro-batch, which needs at least 2 images; raise the micro-batch size of "
              + size
              + ", or add pairs");
    }
    int image = 3 * transform.height() * transform.width();
    Shape shape = new Shape(to - from, 3, transform.height(), transform.width());
    TokenBatch tokens = batch.tokens().range(from, to);
    Function<NDManager, NDArray> kept =
        scratch ->
            HostMemory.upload(
                scratch, new Shape(to - from, dropout.kept()), dropout.kept(batch, from, to));
    return new BatchGradients.MicroBatch(
        scratch -> {
          byte[] levels = Arrays.copyOfRange(batch.pixels(), from * image, to * image);
          try (NDArray uploaded = HostMemory.upload(scratch, shape, levels)) {
            return on(scratch.getDevice()).normalize(uploaded);
          }
        },
        dropout == null ? null : kept,
        scratch -> {
          int length = config.text().paddedLength(tokens.maxLength());
          return HostMemory.upload(
              scratch, new Shape(tokens.size(), length), tokens.padded(length));
        },
        adapterDropout == null
            ? null
            : scratch ->
                HostMemory.upload(
                    scratch, new Shape(to - from), adapterDropout.rows(batch, from, to)));
  }

  private PixelKernels on(Device device) {
    return pixels.computeIfAbsent(
        device, d -> new PixelKernels(manager.newSubManager(d), transform.mean(), transform.std()));
  }
}
