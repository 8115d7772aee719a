package org.clip4j.eval;

import java.util.List;

/**
 * Measures robustness in the paper's sense (Radford et al. 2021, section 3.3; Taori et al. 2020):
 * how much better a model is on a shifted set than models of its accuracy on the source set are.
 * What those reach is a line fitted to baselines by least squares, both accuracies by their logits.
 *
 * @param slope in logits
 * @param intercept in logits
 * @param rSquared how much of the spread of the baselines the line explains, up to 1
 * @param baselines what it was fitted to
 * @param images of the smaller of both sets; shares are brought within half an image of 0 and 1,
 *     where the logit is not finite
 */
public record EffectiveRobustness(
    double slope, double intercept, double rSquared, List<Point> baselines, int images) {

  /** The least number of baselines; fewer say nothing, since a line goes through any two. */
  public static final int LEAST = 3;

  /** The number of baselines below which a fit is a hint only; the paper's has 204 models. */
  public static final int FEW = 8;

  /**
   * Holds a model's accuracies.
   *
   * @param source share on the source set
   * @param shifted share on the shifted set
   */
  public record Point(String name, double source, double shifted) {
    /** Checks the shares. */
    public Point {
      if (!(source >= 0 && source <= 1 && shifted >= 0 && shifted <= 1)) {
        throw new IllegalArgumentException(
            "accuracies are shares from 0 to 1; " + name + " has " + source + " and " + shifted);
      }
    }
  }

  /** Makes the list unmodifiable. */
  public EffectiveRobustness {
    baselines = List.copyOf(baselines);
  }

  /**
   * Fits the line.
   *
   * @param images of the smaller of both sets, at least 1
   * @throws IllegalArgumentException if there are fewer than {@link #LEAST} baselines of different
   *     accuracy on the source set
   */
  public static EffectiveRobustness fit(List<Point> baselines, int images) {
    long different =
        baselines.stream().mapToDouble(point -> logit(point.source, images)).distinct().count();
    if (different < LEAST) {
      throw new IllegalArgumentException(
          "effective robustness is measured against a line through baselines, and "
              + (baselines.isEmpty()
                  ? "there are none"
                  : baselines.size()
                      + " with "
                      + different
                      + " different accuracies on the source set fix none")
              + "; give at least "
              + LEAST
              + ", for example probes trained on different numbers of images");
    }
    double n = baselines.size();
    double meanX = 0;
    double meanY = 0;
    for (Point point : baselines) {
      meanX += logit(point.source, images) / n;
      meanY += logit(point.shifted, images) / n;
    }
    double xx = 0;
    double xy = 0;
    double yy = 0;
    for (Point point : baselines) {
      double dx = logit(point.source, images) - meanX;
      double dy = logit(point.shifted, images) - meanY;
      xx += dx * dx;
      xy += dx * dy;
      yy += dy * dy;
    }
    double slope = xy / xx;
    return new EffectiveRobustness(
        slope, meanY - slope * meanX, yy == 0 ? 1 : xy * xy / (xx * yy), baselines, images);
  }

  /**
   * Returns the accuracy on the shifted set, a share, that baselines of this source accuracy have.
   */
  public double expected(double source) {
    return 1 / (1 + Math.exp(-(slope * logit(source, images) + intercept)));
  }

  /** Returns the accuracy on the shifted set above what is expected, a difference of shares. */
  public double of(Point point) {
    return point.shifted - expected(point.source);
  }

  private static double logit(double share, int images) {
    double margin = 0.5 / images;
    double inside = Math.max(margin, Math.min(1 - margin, share));
    return Math.log(inside / (1 - inside));
  }
}
