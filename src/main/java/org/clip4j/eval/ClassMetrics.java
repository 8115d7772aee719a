package org.clip4j.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Measures how good a classifier is on a set of images. Shares are in [0, 1].
 *
 * <p>Where a wrong class fits as well as the right one, the wrong one is the answer, so that a
 * model that gives all the same embedding knows nothing.
 *
 * @param images how many
 * @param top1 share of the images whose class is the answer (accuracy)
 * @param top5 share of the images whose class is among the five that fit best
 * @param meanPerClass mean over the classes that have images of the share of theirs that are right
 *     (balanced accuracy), the paper's measure where a data set's own is the mean per class
 * @param confusion [class][answer], images
 */
public record ClassMetrics(
    int images, Interval top1, Interval top5, Interval meanPerClass, long[][] confusion) {

  private static final int STATISTICS = 3;

  /** Copies the counts. */
  public ClassMetrics {
    confusion = copy(confusion);
  }

  /** Returns a copy of the counts. */
  @Override
  public long[][] confusion() {
    return copy(confusion);
  }

  private static long[][] copy(long[][] counts) {
    return Arrays.stream(counts).map(long[]::clone).toArray(long[][]::new);
  }

  /**
   * Measures a classifier by its answers.
   *
   * @param classes how many there are
   * @param answers of each image, in an order that the intervals' bootstrap follows; at least one
   * @param resamples of the bootstrap
   * @param seed of the bootstrap
   */
  public static ClassMetrics of(
      int classes, List<LabelledAnswer> answers, int resamples, long seed) {
    if (answers.isEmpty()) {
      throw new IllegalArgumentException("accuracy needs at least one image");
    }
    boolean[] amongFive = new boolean[answers.size()];
    for (int i = 0; i < amongFive.length; i++) {
      amongFive[i] = answers.get(i).amongFive();
    }
    return of(
            classes,
            answers.stream().mapToInt(LabelledAnswer::label).toArray(),
            new int[][] {answers.stream().mapToInt(LabelledAnswer::answer).toArray()},
            new boolean[][] {amongFive},
            new Bootstrap(resamples, seed))
        .get(0);
  }

  /**
   * Counts.
   *
   * @param answers [classifier][image]
   * @param amongFive [classifier][image]
   */
  static List<ClassMetrics> of(
      int classes, int[] labels, int[][] answers, boolean[][] amongFive, Bootstrap bootstrap) {
    Interval[] intervals =
        bootstrap.intervals(
            labels.length, times -> statistics(classes, labels, answers, amongFive, times));
    List<ClassMetrics> metrics = new ArrayList<>();
    for (int k = 0; k < answers.length; k++) {
      long[][] confusion = new long[classes][classes];
      for (int i = 0; i < labels.length; i++) {
        confusion[labels[i]][answers[k][i]]++;
      }
      int at = STATISTICS * k;
      metrics.add(
          new ClassMetrics(
              labels.length, intervals[at], intervals[at + 1], intervals[at + 2], confusion));
    }
    return List.copyOf(metrics);
  }

  static double[] statistics(
      int classes, int[] labels, int[][] answers, boolean[][] amongFive, int[] times) {
    long[] all = new long[classes];
    for (int i = 0; i < labels.length; i++) {
      all[labels[i]] += times[i];
    }
    double[] values = new double[STATISTICS * answers.length];
    for (int k = 0; k < answers.length; k++) {
      long[] right = new long[classes];
      long five = 0;
      for (int i = 0; i < labels.length; i++) {
        right[labels[i]] += answers[k][i] == labels[i] ? times[i] : 0;
        five += amongFive[k][i] ? times[i] : 0;
      }
      long sum = 0;
      double shares = 0;
      int present = 0;
      for (int c = 0; c < classes; c++) {
        sum += right[c];
        if (all[c] > 0) {
          shares += (double) right[c] / all[c];
          present++;
        }
      }
      values[STATISTICS * k] = (double) sum / labels.length;
      values[STATISTICS * k + 1] = (double) five / labels.length;
      values[STATISTICS * k + 2] = shares / present;
    }
    return values;
  }

  /**
   * Returns for each class the share of its images that are right; NaN for a class without images.
   */
  public double[] perClass() {
    double[] shares = new double[confusion.length];
    for (int c = 0; c < shares.length; c++) {
      long all = 0;
      for (long count : confusion[c]) {
        all += count;
      }
      shares[c] = all == 0 ? Double.NaN : (double) confusion[c][c] / all;
    }
    return shares;
  }

  /**
   * How much more often the second classifier is right than the first, on the same images.
   *
   * @param first its answers
   * @param second its answers
   */
  static Interval gain(int[] labels, int[] first, int[] second, Bootstrap bootstrap) {
    int[] difference = new int[labels.length];
    for (int i = 0; i < labels.length; i++) {
      difference[i] = (second[i] == labels[i] ? 1 : 0) - (first[i] == labels[i] ? 1 : 0);
    }
    return bootstrap
        .intervals(
            labels.length,
            times -> {
              long sum = 0;
              for (int i = 0; i < difference.length; i++) {
                sum += (long) difference[i] * times[i];
              }
              return new double[] {(double) sum / difference.length};
            })[0];
  }
}
