package org.clip4j.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.clip4j.data.PairBatch;
import org.clip4j.engine.HostMemory;
import org.clip4j.engine.PixelKernels;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.text.TokenBatch;

/**
 * Cuts batches into micro-batches.
 *
 * @param transform gives the images their size
 * @param pixels normalises them
 * @param size most pairs of a micro-batch
 * @param config of the model: whether it normalises over its micro-batch, and how texts are padded
 */
record MicroBatches(ImageTransform transform, PixelKernels pixels, int size, ClipConfig config) {

  /** The micro-batches of a batch, of sizes as even as can be: batch norms see one at a time. */
  List<TrainingStep.MicroBatch> of(PairBatch batch) {
    List<TrainingStep.MicroBatch> parts = new ArrayList<>();
    int count = (batch.size() + size - 1) / size;
    for (int i = 0; i < count; i++) {
      parts.add(part(batch, batch.size() * i / count, batch.size() * (i + 1) / count));
    }
    return parts;
  }

  private TrainingStep.MicroBatch part(PairBatch batch, int from, int to) {
    if (to - from < 2 && config.vision().isResNet()) {
      throw new IllegalStateException(
          "a ModifiedResNet normalises over its micro-batch, which needs at least 2 images; raise the micro-batch size of "
              + size
              + ", or add pairs");
    }
    int image = 3 * transform.height() * transform.width();
    Shape shape = new Shape(to - from, 3, transform.height(), transform.width());
    TokenBatch tokens = batch.tokens().range(from, to);
    return new TrainingStep.MicroBatch(
        scratch -> {
          byte[] levels = Arrays.copyOfRange(batch.pixels(), from * image, to * image);
          try (NDArray uploaded = HostMemory.upload(scratch, shape, levels)) {
            return pixels.normalize(uploaded);
          }
        },
        scratch -> {
          int length = config.text().paddedLength(tokens.maxLength());
          return HostMemory.upload(
              scratch, new Shape(tokens.size(), length), tokens.padded(length));
        });
  }
}
