package org.clip4j.train.workers;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** Holds pairs that a worker encodes at once. Arrays are not copied. */
public final class MicroBatchData implements Serializable {
  private static final long serialVersionUID = 1;

  private final int size;
  private final byte[] pixels;
  private final long @Nullable [] kept;
  private final long[] ids;
  private final long @Nullable [] rows;

  /**
   * Takes the arrays as they are.
   *
   * @param size n, how many
   * @param pixels row-major [n, 3, H, W], uint8, transformed but not normalised
   * @param kept row-major [n, K], the patches that are looked at; null for all
   * @param ids row-major [n, L], token ids, padded
   * @param rows [n], what an adapter's dropout follows from; null for none
   */
  public MicroBatchData(
      int size, byte[] pixels, long @Nullable [] kept, long[] ids, long @Nullable [] rows) {
    this.size = size;
    this.pixels = pixels;
    this.kept = kept;
    this.ids = ids;
    this.rows = rows;
  }

  /** Returns n, how many pairs there are. */
  public int size() {
    return size;
  }

  /** Returns the images, row-major [n, 3, H, W], uint8. */
  public byte[] pixels() {
    return pixels;
  }

  /** Returns the patches that are looked at, row-major [n, K]; null for all. */
  public long @Nullable [] kept() {
    return kept;
  }

  /** Returns the token ids, row-major [n, L]. */
  public long[] ids() {
    return ids;
  }

  /** Returns what an adapter's dropout follows from, [n]; null for none. */
  public long @Nullable [] rows() {
    return rows;
  }
}
