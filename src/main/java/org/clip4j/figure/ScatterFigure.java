package org.clip4j.figure;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Draws accuracy on a shifted set against accuracy on the source set, both by their logits, with
 * the line of equal accuracy and the fit to the baselines: as the paper shows robustness (Radford
 * et al. 2021, figures 13 and 14).
 */
public final class ScatterFigure {
  private static final int CURVE = 80; // points that a line is drawn by
  private static final double LETTER = 6.8; // pixels

  /**
   * Describes a point.
   *
   * @param name written beside it if there is room, and shown when the pointer rests on it
   * @param group has a colour and a mark of its own
   * @param x accuracy on the source set, a share
   * @param y accuracy on the shifted set, a share
   */
  public record Dot(String name, String group, double x, double y) {}

  private ScatterFigure() {}

  /**
   * Draws the figure.
   *
   * @param fit from a share on the source set to the one expected on the shifted set; null for none
   */
  public static Markup of(
      String xTitle, String yTitle, List<Dot> dots, @Nullable DoubleUnaryOperator fit) {
    Markup equal = Svg.keyedLine("equal", "equal accuracy on both (no loss by the shift)");
    Markup line = Svg.keyedLine("fit", "linear fit to the baselines, in logits");
    List<Markup> lines = fit == null ? List.of(equal) : List.of(equal, line);
    return figure(xTitle, yTitle, dots, fit, false, lines);
  }

  /**
   * Draws the dots of each group joined in their order: models along a line between two, such as
   * those of WiSE-FT (Wortsman et al. 2022, figure 1).
   */
  public static Markup joined(String xTitle, String yTitle, List<Dot> dots) {
    Markup equal = Svg.keyedLine("equal", "equal accuracy on both");
    return figure(xTitle, yTitle, dots, null, true, List.of(equal));
  }

  private static Markup figure(
      String xTitle,
      String yTitle,
      List<Dot> dots,
      @Nullable DoubleUnaryOperator fit,
      boolean joined,
      List<Markup> lines) {
    List<String> groups = dots.stream().map(Dot::group).distinct().toList();
    List<Markup> key = new ArrayList<>();
    groups.forEach(group -> key.add(Svg.keyed(key.size(), group)));
    key.addAll(lines);
    return Svg.figure(width -> svg(xTitle, yTitle, dots, groups, fit, joined, width), Svg.key(key));
  }

  private static Markup svg(
      String xTitle,
      String yTitle,
      List<Dot> dots,
      List<String> groups,
      @Nullable DoubleUnaryOperator fit,
      boolean joined,
      int width) {
    Plot.Axis x = axis(xTitle, dots.stream().mapToDouble(Dot::x).toArray());
    Plot.Axis y = axis(yTitle, dots.stream().mapToDouble(Dot::y).toArray());
    Plot plot =
        new Plot(
            x,
            y,
            Plot.Frame.of(width),
            yTitle + " against " + xTitle + ", " + dots.size() + " points");
    plot.path(curve(x, share -> share), "equal");
    if (fit != null) {
      plot.path(curve(x, fit), "fit");
    }
    for (int g = 0; joined && g < groups.size(); g++) {
      String group = groups.get(g);
      plot.path(
          dots.stream()
              .filter(dot -> dot.group.equals(group))
              .map(dot -> new Plot.At(dot.x, dot.y))
              .toList(),
          "line " + Svg.style(g));
    }
    List<double[]> taken = new ArrayList<>(); // boxes in pixels: left, top, right, bottom
    for (Dot dot : dots) {
      double cx = plot.x(dot.x);
      double cy = plot.y(dot.y);
      taken.add(new double[] {cx - 6, cy - 6, cx + 6, cy + 6});
    }
    for (Dot dot : dots) {
      String where =
          dot.name
              + ": "
              + Numbers.percent(dot.x)
              + " source, "
              + Numbers.percent(dot.y)
              + " shifted";
      plot.mark(new Plot.At(dot.x, dot.y), groups.indexOf(dot.group), where);
      write(plot, dot, taken, width);
    }
    return plot.svg();
  }

  private static Plot.Axis axis(String title, double[] shares) {
    double least = 1;
    double most = 0;
    for (double share : shares) {
      least = Math.min(least, share);
      most = Math.max(most, share);
    }
    // To the next tick on either side.
    Collection<Double> ticks = Scale.LOGIT.ticks(0, 1, 0);
    double low = Scale.LOGIT_MARGIN;
    double high = 1 - Scale.LOGIT_MARGIN;
    for (double tick : ticks) {
      low = tick < least - 0.005 ? tick : low;
    }
    for (double tick : ticks) {
      if (tick > most + 0.005) {
        high = tick;
        break;
      }
    }
    return Plot.Axis.logitShares(title, low, Math.max(high, low + 0.01));
  }

  private static List<Plot.At> curve(Plot.Axis axis, DoubleUnaryOperator value) {
    double step = (axis.high() - axis.low()) / CURVE;
    return IntStream.rangeClosed(0, CURVE)
        .mapToObj(i -> axis.low() + i * step)
        .map(share -> new Plot.At(share, value.applyAsDouble(share)))
        .toList();
  }

  /** Right, left, above or below the mark, wherever nothing is yet; else nowhere. */
  private static void write(Plot plot, Dot dot, List<double[]> taken, int across) {
    double width = LETTER * dot.name.length();
    double cx = plot.x(dot.x);
    double cy = plot.y(dot.y);
    double[][] places = {
      {cx + 9, cy + 4},
      {cx - 9 - width, cy + 4},
      {cx - width / 2, cy - 10},
      {cx - width / 2, cy + 19}
    };
    for (double[] place : places) {
      double[] box = {place[0], place[1] - 11, place[0] + width, place[1] + 3};
      boolean inside = box[0] > 68 && box[2] < across - 4;
      if (inside && taken.stream().noneMatch(other -> overlap(box, other))) {
        taken.add(box);
        plot.text(place[0], place[1], dot.name);
        return;
      }
    }
  }

  private static boolean overlap(double[] a, double[] b) {
    return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  }
}
