package org.clip4j.examples.app.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * Shares over something, as lines with error bars: the paper's few-shot curves (Radford et al.
 * 2021, figure 6), or accuracy over the severity of a shift.
 */
public final class LineFigure {

  /**
   * A point.
   *
   * @param y a share: 0.5 is drawn as 50 %
   * @param low of its interval; equal to high if there is none
   */
  public record Point(double x, double y, double low, double high) {
    /** Without an interval. */
    public Point(double x, double y) {
      this(x, y, y, y);
    }
  }

  /** A line; the first six have marks and colours of their own. A single point is only a mark. */
  public record Series(String name, List<Point> points) {}

  private LineFigure() {}

  /** Over counts that double, 0 standing one step left of 1: examples per class. */
  public static Html overCounts(String xTitle, String yTitle, List<Series> series) {
    return of(xTitle, yTitle, Scale.LOG2, series);
  }

  /** Over evenly spaced values. */
  public static Html over(String xTitle, String yTitle, List<Series> series) {
    return of(xTitle, yTitle, Scale.LINEAR, series);
  }

  private static Html of(String xTitle, String yTitle, Scale scale, List<Series> series) {
    List<Html> key = new ArrayList<>();
    for (int s = 0; s < series.size(); s++) {
      key.add(Plot.keyed(s, series.get(s).name));
    }
    return Plot.figure(width -> svg(xTitle, yTitle, scale, series, width), Plot.key(key));
  }

  private static Html svg(
      String xTitle, String yTitle, Scale scale, List<Series> series, int width) {
    List<Point> all = series.stream().flatMap(one -> one.points.stream()).toList();
    double left = all.stream().mapToDouble(Point::x).min().orElse(0);
    double right = Math.max(left + 1, all.stream().mapToDouble(Point::x).max().orElse(1));
    double least = all.stream().mapToDouble(point -> Math.min(point.y, point.low)).min().orElse(0);
    double most = all.stream().mapToDouble(point -> Math.max(point.y, point.high)).max().orElse(1);
    DoubleFunction<String> count = value -> String.format(Locale.ROOT, "%,.0f", value);
    // Whole tenths, or fiftieths where all is close; never beyond 0 and 100 %.
    double unit = most - least < 0.05 ? 0.02 : 0.1;
    double low = Math.max(0, Math.floor(least / unit - 0.2) * unit);
    double high = Math.min(1, Math.ceil(most / unit + 0.2) * unit);
    Plot plot =
        new Plot(
            new Plot.Axis(xTitle, scale, left, right, count),
            Plot.Axis.shares(yTitle, low, Math.max(low + unit, high)),
            width,
            yTitle + " over " + xTitle + ", " + series.size() + " lines");
    for (int s = 0; s < series.size(); s++) {
      Series one = series.get(s);
      String style = "line s" + s % Plot.STYLES;
      plot.path(one.points.stream().map(p -> new double[] {p.x, p.y}).toList(), style);
      for (Point point : one.points) {
        if (point.low < point.high) {
          plot.interval(point.x, point.low, point.high, style);
        }
      }
      for (Point point : one.points) {
        String where = one.name + ", " + count.apply(point.x) + ": " + Plot.percent(point.y);
        plot.mark(point.x, point.y, s, where);
      }
    }
    return plot.svg();
  }
}
