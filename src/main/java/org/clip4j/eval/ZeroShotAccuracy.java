package org.clip4j.eval;

import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.encode.ClassWeights;
import org.clip4j.eval.internal.Dot;

/**
 * How often the right class is the most similar to an image, or among the five most similar.
 *
 * <p>A wrong class that is as similar as the right one counts as more similar, and so does one that
 * is not a number.
 *
 * @param images how many
 * @param top1 share in [0, 1]
 * @param top5 share in [0, 1]; 1 for up to five classes, unless embeddings are not numbers
 */
record ZeroShotAccuracy(int images, double top1, double top5) {

  /**
   * Counts on embeddings.
   *
   * @param images N vectors of E values, unit length; at least one
   * @param labels for each image the index of its class
   * @param classes vectors of E values, unit length, as {@link ClassWeights} gives them
   */
  public static ZeroShotAccuracy of(float[][] images, int[] labels, float[][] classes) {
    if (images.length == 0 || labels.length != images.length) {
      throw new IllegalArgumentException(
          "accuracy needs at least one image, and for each image its label; found "
              + images.length
              + " images and "
              + labels.length
              + " labels");
    }
    int[] ranks =
        IntStream.range(0, images.length)
            .parallel()
            .map(n -> rank(images[n], labels[n], classes))
            .toArray();
    return new ZeroShotAccuracy(images.length, share(ranks, 1), share(ranks, 5));
  }

  private static int rank(float[] image, int label, float[][] classes) {
    float own = Dot.of(image, classes[label]);
    int rank = 0;
    for (int c = 0; c < classes.length; c++) {
      if (c != label && !(Dot.of(image, classes[c]) < own)) { // so written, NaN counts too
        rank++;
      }
    }
    return rank;
  }

  private static double share(int[] ranks, int k) {
    return IntStream.of(ranks).filter(rank -> rank < k).count() / (double) ranks.length;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "zero-shot on %,d images: top-1 %.1f %%, top-5 %.1f %%",
        images,
        100 * top1,
        100 * top5);
  }
}
