package org.clip4j.examples.app.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.clip4j.figure.LineFigure.Point;
import org.clip4j.figure.LineFigure.Series;

/** The losses of a training's steps, few enough to be drawn. */
public final class LossCurve {
  /** Points drawn at most; more steps than these are averaged in groups. */
  private static final int POINTS = 400;

  private LossCurve() {}

  /** The smoothed loss, in the range of what it is the mean of. */
  static Series of(double[] losses) {
    int group = group(losses.length);
    double[] smoothed = smooth(thin(losses));
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < smoothed.length; i++) {
      int around = around(i, smoothed.length);
      int end = Math.min(losses.length, (i + around + 1) * group);
      var range = Arrays.stream(losses, (i - around) * group, end).summaryStatistics();
      int step = Math.min(losses.length, (i + 1) * group);
      points.add(new Point(step, smoothed[i], range.getMin(), range.getMax()));
    }
    return new Series("loss, smoothed, in the range of the steps around", points);
  }

  private static int group(int count) {
    return Math.max(1, (count + POINTS - 1) / POINTS);
  }

  /** Means of consecutive groups, so that at most {@link #POINTS} values are left. */
  public static double[] thin(double[] values) {
    int group = group(values.length);
    double[] means = new double[(values.length + group - 1) / group];
    for (int i = 0; i < means.length; i++) {
      int from = i * group;
      int to = Math.min(values.length, from + group);
      means[i] = Arrays.stream(values, from, to).average().orElseThrow();
    }
    return means;
  }

  /** How many values on either side of one are averaged with it. */
  private static int around(int i, int count) {
    return Math.min(Math.max(1, count / 40), Math.min(i, count - 1 - i));
  }

  /** Means over a window centred on each value, a twentieth of all values wide. */
  public static double[] smooth(double[] values) {
    double[] means = new double[values.length];
    for (int i = 0; i < means.length; i++) {
      int around = around(i, values.length);
      means[i] = Arrays.stream(values, i - around, i + around + 1).average().orElseThrow();
    }
    return means;
  }
}
