package org.clip4j.eval.probe;

import java.util.List;
import java.util.Locale;

/**
 * Holds the accuracy over the number of labelled examples of each class, as in figure 6 of Radford
 * et al. 2021.
 *
 * @param points ascending by shots, at least one
 */
public record FewShotCurve(List<Point> points) {

  /** Checks the order. */
  public FewShotCurve {
    points = List.copyOf(points);
    if (points.isEmpty()) {
      throw new IllegalArgumentException("a few-shot curve needs at least one point");
    }
    for (int i = 1; i < points.size(); i++) {
      if (!(points.get(i - 1).shots < points.get(i).shots)) {
        throw new IllegalArgumentException(
            "the points of a few-shot curve must ascend, found "
                + points.get(i - 1).shots
                + " shots before "
                + points.get(i).shots);
      }
    }
  }

  /**
   * Holds the accuracies for one number of shots.
   *
   * @param shots examples of each class, above 0; of a fit on all examples their mean
   * @param accuracies top-1 in [0, 1], one for each draw
   */
  public record Point(double shots, List<Double> accuracies) {
    /** Makes the list unmodifiable. */
    public Point {
      accuracies = List.copyOf(accuracies);
      if (accuracies.isEmpty() || !(shots > 0)) {
        throw new IllegalArgumentException(
            "a point needs shots above 0 and at least one accuracy, found "
                + shots
                + " and "
                + accuracies);
      }
    }

    /** Returns the mean over the draws. */
    public double mean() {
      return accuracies.stream().mapToDouble(a -> a).average().orElseThrow();
    }

    /**
     * Returns the standard deviation over the draws, with their number less one as the divisor; 0
     * for a single draw.
     */
    public double standardDeviation() {
      if (accuracies.size() == 1) {
        return 0;
      }
      double mean = mean();
      double squares = accuracies.stream().mapToDouble(a -> (a - mean) * (a - mean)).sum();
      return Math.sqrt(squares / (accuracies.size() - 1));
    }
  }

  /**
   * Says where the curve reaches an accuracy: within its points, before the first or after the
   * last.
   */
  public enum Side {
    /** Fewer examples than the first point has, which is better already. */
    FEWER,
    /** A number of examples within the curve. */
    EQUAL,
    /** More examples than the last point has; no point is as good. */
    MORE
  }

  /**
   * Says where the curve reaches an accuracy.
   *
   * @param side whether that is within the curve
   * @param shots examples of each class; the first or the last point's where it is not
   */
  public record Crossing(Side side, double shots) {
    @Override
    public String toString() {
      String number = String.format(Locale.ROOT, shots < 10 ? "%.1f" : "%.0f", shots);
      if (number.endsWith(".0")) {
        number = number.substring(0, number.length() - 2);
      }
      String article = number.matches("8.*|11|18") ? "an " : "a ";
      String probe = article + number + "-shot probe";
      return switch (side) {
        case FEWER -> "less than " + probe;
        case EQUAL -> probe;
        case MORE -> "more than " + probe;
      };
    }
  }

  /**
   * Finds where the means first reach an accuracy, between points by a straight line over the
   * logarithm of the shots, as in the paper's figure 7.
   *
   * @param accuracy of the zero-shot classifier, in [0, 1]
   */
  public Crossing crossing(double accuracy) {
    Point before = points.get(0);
    if (before.mean() > accuracy) {
      return new Crossing(Side.FEWER, before.shots);
    }
    for (Point point : points) {
      if (point.mean() >= accuracy) {
        double rise = point.mean() - before.mean();
        double part = rise == 0 ? 0 : (accuracy - before.mean()) / rise;
        double log = Math.log(before.shots) + part * Math.log(point.shots / before.shots);
        return new Crossing(Side.EQUAL, rise == 0 ? point.shots : Math.exp(log));
      }
      before = point;
    }
    return new Crossing(Side.MORE, before.shots);
  }
}
