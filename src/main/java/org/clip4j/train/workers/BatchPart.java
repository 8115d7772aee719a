package org.clip4j.train.workers;

import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Consecutive pairs of a batch, as a worker needs them.
 *
 * @param index of the part in the batch
 * @param firstRow row of the batch at which it begins
 * @param micro its micro-batches, at least one
 */
public record BatchPart(int index, int firstRow, List<Micro> micro) implements Serializable {

  /**
   * Pairs that are encoded at once.
   *
   * @param size n, how many
   * @param pixels row-major [n, 3, H, W], uint8, transformed but not normalised
   * @param kept row-major [n, K], the patches that are looked at; null for all
   * @param ids row-major [n, L], token ids, padded
   * @param rows [n], what an adapter's dropout follows from; null for none
   */
  public record Micro(
      int size, byte[] pixels, long @Nullable [] kept, long[] ids, long @Nullable [] rows)
      implements Serializable {}

  /** Counts the pairs. */
  public int size() {
    return micro.stream().mapToInt(Micro::size).sum();
  }
}
