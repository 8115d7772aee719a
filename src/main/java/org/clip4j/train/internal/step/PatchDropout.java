package org.clip4j.train.internal.step;

import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.io.SeededRandom;

/**
 * Which patches of each image a training step looks at (Li et al. 2023, "Scaling Language-Image
 * Pre-training via Masking"; OpenCLIP's and timm's {@code PatchDropout}).
 *
 * <p>The choice follows from the seed and the place of the image in the training alone, so that
 * every pass over a micro-batch, and every division of a batch into micro-batches, makes the same.
 *
 * @param share of the patches that is left out
 * @param patches of an image
 * @param seed of the training
 */
record PatchDropout(double share, int patches, long seed) {
  /** First key of the draws. */
  private static final long PATCHES = 0x50617463686573L;

  /** Patches of each image that are looked at; at least one. */
  int kept() {
    return Math.max(1, (int) (patches * (1 - share)));
  }

  /**
   * The patches of some images of a batch.
   *
   * @return row-major [to - from, {@link #kept}]
   */
  long[] kept(PairBatch batch, int from, int to) {
    int kept = kept();
    long[] indices = new long[(to - from) * kept];
    for (int row = from; row < to; row++) {
      int[] order =
          new SeededRandom(PATCHES, seed, batch.epoch(), batch.indexInEpoch(), row)
              .permutation(patches);
      for (int i = 0; i < kept; i++) {
        indices[(row - from) * kept + i] = order[i];
      }
    }
    return indices;
  }
}
