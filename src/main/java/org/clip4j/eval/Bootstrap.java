package org.clip4j.eval;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.clip4j.io.Limits;
import org.clip4j.io.SeededRandom;

/**
 * Percentile bootstrap (Efron 1979): the statistics of as many images drawn with replacement as
 * there are, many times. All statistics see the same draws, so that one may be the difference of
 * two classifiers on the same images. Draws are not stratified: a class's share varies as it would
 * in another sample. The same seed gives the same intervals on any number of cores.
 */
final class Bootstrap {
  /** Sets these draws apart from others made from the same seed. */
  private static final long KEY = 0x626f6f74; // "boot"

  private final int resamples;
  private final long seed;

  Bootstrap(int resamples, long seed) {
    this.resamples = Limits.atLeast("resamples (about 1000 are of use)", 1, resamples);
    this.seed = seed;
  }

  /**
   * Intervals at 95 %.
   *
   * @param n how many images there are
   * @param statistics from how often each image was drawn (n counts) to values; called by several
   *     threads
   * @return for each statistic its value with every image once, and its interval
   */
  Interval[] intervals(int n, Function<int[], double[]> statistics) {
    int[] once = new int[n];
    Arrays.fill(once, 1);
    double[] values = statistics.apply(once);
    double[][] drawn =
        IntStream.range(0, resamples)
            .parallel()
            .mapToObj(r -> statistics.apply(draw(n, r)))
            .toArray(double[][]::new);
    Interval[] intervals = new Interval[values.length];
    for (int s = 0; s < values.length; s++) {
      int statistic = s;
      double[] sorted = Arrays.stream(drawn).mapToDouble(row -> row[statistic]).sorted().toArray();
      intervals[s] = new Interval(values[s], quantile(sorted, 0.025), quantile(sorted, 0.975));
    }
    return intervals;
  }

  private int[] draw(int n, int resample) {
    SeededRandom random = new SeededRandom(KEY, seed, resample);
    int[] counts = new int[n];
    for (int i = 0; i < n; i++) {
      counts[random.nextInt(n)]++;
    }
    return counts;
  }

  /** Between the two nearest values, as numpy's default does. */
  static double quantile(double[] sorted, double share) {
    double position = share * (sorted.length - 1);
    int below = (int) position;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }
}
