package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.stream.LongStream;
import org.clip4j.engine.internal.HostMemory;

/**
 * Says which texts of a batch belong to an image besides its own: those of pairs with the same
 * caption or the same image. They are no negatives, and the loss spreads its targets over them.
 */
public final class Matches {
  /** The matches of the paper, where each text belongs to the image of its own pair only. */
  public static final Matches OWN = new Matches(null, null);

  private final int[] captions;
  private final int[] images;

  private Matches(int[] captions, int[] images) {
    this.captions = captions;
    this.images = images;
  }

  /**
   * Finds the pairs that share a caption or an image.
   *
   * @param captions N numbers, equal for equal captions
   * @param images N numbers, equal for equal images
   */
  public static Matches of(int[] captions, int[] images) {
    if (captions.length != images.length) {
      throw new IllegalArgumentException(
          captions.length + " captions do not go with " + images.length + " images");
    }
    return new Matches(captions.clone(), images.clone());
  }

  /** [2, N], int64: the numbers of captions and of images. */
  NDArray upload(NDManager manager, int n) {
    if (captions != null && captions.length != n) {
      throw new IllegalArgumentException(
          "matches of " + captions.length + " pairs do not fit a batch of " + n);
    }
    long[] ids =
        LongStream.range(0, 2L * n)
            .map(i -> captions == null ? i % n : i < n ? captions[(int) i] : images[(int) i - n])
            .toArray();
    return HostMemory.upload(manager, new Shape(2, n), ids);
  }
}
