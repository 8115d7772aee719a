package org.clip4j.eval;

import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Says what near-duplicates in the training set do to accuracy (Radford et al. 2021, section 5):
 * accuracy on all evaluation images, on those with a near-duplicate, and on the clean rest.
 *
 * @param overlap null if no image overlaps
 * @param clean null if every image overlaps
 * @param allLessClean how much the overlap raises the accuracy; null if one side is empty
 */
public record OverlapAccuracy(
    Interval all,
    @Nullable Interval overlap,
    @Nullable Interval clean,
    @Nullable Interval allLessClean,
    int overlapImages,
    int cleanImages) {

  private static final int RESAMPLES = 1000;

  /**
   * Counts the accuracies. Images that could not be read belong to neither side.
   *
   * @param correct for each evaluation image whether it is classified rightly, as {@link
   *     ZeroShotEvaluation.Result#correct} says
   * @param seed of the intervals' bootstrap
   */
  public static OverlapAccuracy of(Overlap.Result result, boolean[] correct, long seed) {
    float[] nearest = result.nearest();
    if (correct.length != nearest.length) {
      throw new IllegalArgumentException(
          "the overlap is of "
              + nearest.length
              + " images and the accuracy of "
              + correct.length
              + "; both must be of the same evaluation set");
    }
    int[] read = IntStream.range(0, correct.length).filter(i -> !Float.isNaN(nearest[i])).toArray();
    int overlapping = (int) IntStream.of(read).filter(result::overlaps).count();
    int clean = read.length - overlapping;
    Interval[] intervals =
        new Bootstrap(RESAMPLES, seed)
            .intervals(read.length, times -> shares(result, correct, read, times));
    boolean both = overlapping > 0 && clean > 0;
    return new OverlapAccuracy(
        intervals[0],
        overlapping > 0 ? intervals[1] : null,
        clean > 0 ? intervals[2] : null,
        both ? intervals[3] : null,
        overlapping,
        clean);
  }

  private static double[] shares(
      Overlap.Result result, boolean[] correct, int[] read, int[] times) {
    double[] right = new double[2];
    double[] images = new double[2];
    for (int i = 0; i < read.length; i++) {
      int side = result.overlaps(read[i]) ? 0 : 1;
      images[side] += times[i];
      right[side] += correct[read[i]] ? times[i] : 0;
    }
    double all = (right[0] + right[1]) / read.length;
    // A resample may miss a small side: then it says nothing of it, and the whole stands for it.
    double overlap = images[0] > 0 ? right[0] / images[0] : all;
    double clean = images[1] > 0 ? right[1] / images[1] : all;
    return new double[] {all, overlap, clean, all - clean};
  }
}
