package org.clip4j.figure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Draws values over something, as lines. Shares have error bars: the paper's few-shot curves
 * (Radford et al. 2021, figure 6), or accuracy over the severity of a shift. Curves over the steps
 * of a training have a band instead, from the lowest to the highest of what a point stands for.
 */
public final class LineFigure {
  /** The most points of a curve that have marks. */
  private static final int MARKED = 40;

  /** Highest over lowest from which a scale is logarithmic, if that is allowed. */
  private static final double WIDE_RANGE = 100;

  /**
   * Describes a point.
   *
   * @param x where it is along the horizontal axis
   * @param y its value; of a share, 0.5 is drawn as 50 %
   * @param low where its interval begins; equal to high if there is none
   * @param high where its interval ends
   */
  public record Point(double x, double y, double low, double high) {
    /** Makes a point without an interval. */
    public Point(double x, double y) {
      this(x, y, y, y);
    }
  }

  /**
   * Describes a line; the first six have marks and colours of their own. A single point is only a
   * mark.
   *
   * @param name as the key has it
   * @param points from left to right
   */
  public record Series(String name, List<Point> points) {}

  private LineFigure() {}

  /**
   * Draws shares over counts that double, such as examples per class; 0 has its place one step left
   * of 1.
   */
  public static Markup overCounts(String xTitle, String yTitle, List<Series> series) {
    return shares(xTitle, yTitle, Scale.LOG2, series);
  }

  /** Draws shares over evenly spaced values. */
  public static Markup over(String xTitle, String yTitle, List<Series> series) {
    return shares(xTitle, yTitle, Scale.LINEAR, series);
  }

  /** Draws curves of any values over the steps of a training, with their names below. */
  public static Markup overSteps(String yTitle, List<Series> series) {
    double end = extent(series, Extent.X).max().orElse(1);
    return Svg.figure(
        width -> curves(yTitle, yTitle, end, false, series, Plot.Frame.of(width)), key(series));
  }

  /**
   * Draws curves of any values over the steps of a training as one small drawing among others.
   *
   * @param summary what they show, for those who cannot see it
   * @param lastStep where the steps' axis ends
   * @param mayBeLogarithmic whether values of very different size are drawn by their logarithm
   */
  public static Markup small(
      String summary, long lastStep, boolean mayBeLogarithmic, List<Series> series) {
    return curves(summary, "", lastStep, mayBeLogarithmic, series, Plot.Frame.SMALL);
  }

  /** Says which line is which. */
  private static Markup key(List<Series> series) {
    return Svg.key(
        IntStream.range(0, series.size())
            .mapToObj(s -> Svg.keyedLine("line " + Svg.style(s), series.get(s).name))
            .toList());
  }

  private enum Extent {
    X,
    Y
  }

  private static DoubleStream extent(List<Series> series, Extent of) {
    return series.stream()
        .flatMap(one -> one.points.stream())
        .flatMapToDouble(
            point ->
                of == Extent.X
                    ? DoubleStream.of(point.x)
                    : DoubleStream.of(point.y, point.low, point.high));
  }

  private static Markup shares(String xTitle, String yTitle, Scale scale, List<Series> series) {
    List<Markup> key = new ArrayList<>();
    for (int s = 0; s < series.size(); s++) {
      key.add(Svg.keyed(s, series.get(s).name));
    }
    return Svg.figure(width -> shares(xTitle, yTitle, scale, series, width), Svg.key(key));
  }

  private static Markup shares(
      String xTitle, String yTitle, Scale scale, List<Series> series, int width) {
    double left = extent(series, Extent.X).min().orElse(0);
    double right = Math.max(left + 1, extent(series, Extent.X).max().orElse(1));
    double least = extent(series, Extent.Y).min().orElse(0);
    double most = extent(series, Extent.Y).max().orElse(1);
    // Whole tenths, or fiftieths where all is close; never beyond 0 and 100 %.
    double unit = most - least < 0.05 ? 0.02 : 0.1;
    double low = Math.max(0, Math.floor(least / unit - 0.2) * unit);
    double high = Math.min(1, Math.ceil(most / unit + 0.2) * unit);
    DoubleFunction<String> count = value -> String.format(Locale.ROOT, "%,.0f", value);
    Plot plot =
        new Plot(
            new Plot.Axis(xTitle, scale, left, right, count),
            Plot.Axis.shares(yTitle, low, Math.max(low + unit, high)),
            Plot.Frame.of(width),
            yTitle + " over " + xTitle + ", " + series.size() + " lines");
    for (int s = 0; s < series.size(); s++) {
      Series one = series.get(s);
      String style = "line " + Svg.style(s);
      line(plot, one, style);
      for (Point point : one.points) {
        if (point.low < point.high) {
          plot.interval(point.x, point.low, point.high, style);
        }
      }
      marks(plot, s, one, count, Numbers::percent);
    }
    return plot.svg();
  }

  private static Markup curves(
      String summary,
      String yTitle,
      double lastStep,
      boolean mayBeLogarithmic,
      List<Series> series,
      Plot.Frame frame) {
    DoubleFunction<String> step = x -> x == Math.rint(x) ? Numbers.brief(x) : "";
    Plot plot =
        new Plot(
            new Plot.Axis("step", Scale.LINEAR, 0, Math.max(1, lastStep), step),
            values(yTitle, mayBeLogarithmic, series, frame.parts()),
            frame,
            String.format(Locale.ROOT, "%s over %,.0f steps%s", summary, lastStep, ends(series)));
    for (int s = 0; s < series.size(); s++) {
      Series one = series.get(s);
      if (one.points.size() > 1) {
        List<Plot.At> outline = new ArrayList<>();
        one.points.forEach(point -> outline.add(new Plot.At(point.x, point.low)));
        Collections.reverse(outline);
        outline.addAll(
            0, one.points.stream().map(point -> new Plot.At(point.x, point.high)).toList());
        plot.area(outline, "band " + Svg.style(s));
      }
      line(plot, one, "line " + Svg.style(s));
      if (one.points.size() <= MARKED) {
        marks(plot, s, one, step, Numbers::brief);
      }
    }
    return plot.svg();
  }

  private static String ends(List<Series> series) {
    List<Point> points = series.size() == 1 ? series.get(0).points : List.of();
    return points.isEmpty()
        ? ""
        : ": "
            + Numbers.brief(points.get(0).y)
            + " at first, "
            + Numbers.brief(points.get(points.size() - 1).y)
            + " at the end";
  }

  /** From 0, if that is not far below; to round numbers on both sides. */
  private static Plot.Axis values(
      String title, boolean mayBeLogarithmic, List<Series> series, int parts) {
    double lowest = extent(series, Extent.Y).min().orElse(0);
    double highest = extent(series, Extent.Y).max().orElse(1);
    if (mayBeLogarithmic && lowest > 0 && highest / lowest > WIDE_RANGE) {
      double low = Math.pow(10, Math.floor(Math.log10(lowest)));
      double high = Math.pow(10, Math.ceil(Math.log10(highest)));
      return new Plot.Axis(title, Scale.LOG10, low, high, Numbers::brief);
    }
    double from = lowest > 0 && lowest < 0.6 * highest ? 0 : lowest;
    double range = highest > from ? highest - from : Math.max(Math.abs(highest), 1e-9);
    double step = Scale.step(range, parts);
    double low = Math.floor(from / step) * step;
    double high = Math.max(low + step, Math.ceil(highest / step) * step);
    return new Plot.Axis(title, Scale.LINEAR, low, high, Numbers::brief);
  }

  private static void line(Plot plot, Series one, String style) {
    plot.path(one.points.stream().map(point -> new Plot.At(point.x, point.y)).toList(), style);
  }

  private static void marks(
      Plot plot, int s, Series one, DoubleFunction<String> x, DoubleFunction<String> y) {
    for (Point point : one.points) {
      String where = one.name + ", " + x.apply(point.x) + ": " + y.apply(point.y);
      plot.mark(new Plot.At(point.x, point.y), s, where);
    }
  }
}
