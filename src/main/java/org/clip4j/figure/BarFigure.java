package org.clip4j.figure;

import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Draws horizontal bars of shares, or of differences of shares with their sign, each perhaps with
 * an interval: as the paper shows zero-shot less a probe by data set (Radford et al. 2021, figure
 * 5).
 */
public final class BarFigure {
  private static final int ROW = 26;
  private static final int TOP = 8;
  private static final int BOTTOM = 44;
  private static final int MOST_LETTERS = 42;

  /**
   * Describes one bar, of shares: 0.25 is drawn as 25.
   *
   * @param name written beside it
   * @param value how long it is
   * @param low where its interval begins; equal to high if there is none
   * @param high where its interval ends
   */
  public record Bar(String name, double value, double low, double high) {
    /** Makes a bar without an interval. */
    public Bar(String name, double value) {
      this(name, value, value, value);
    }

    private boolean hasInterval() {
      return low < high;
    }
  }

  private BarFigure() {}

  /** Draws accuracies and the like, from 0 to 100 %. */
  public static Markup shares(String title, List<Bar> bars) {
    return of(title + ", %", bars, 0, 1, false);
  }

  /** Draws differences in percentage points, to both sides of 0. */
  public static Markup differences(String title, List<Bar> bars) {
    double most = extent(bars).map(Math::abs).max().orElse(0);
    double step = Scale.step(Math.max(0.02, 2 * most), 6);
    double least = extent(bars).min().orElse(0);
    double greatest = extent(bars).max().orElse(0);
    // Whole steps, and room beyond the longest bar for its number.
    double low = Math.min(0, Math.floor(least / step - 0.5) * step);
    double high = Math.max(step, Math.ceil(greatest / step + 0.5) * step);
    return of(title + ", percentage points", bars, low, high, true);
  }

  private static DoubleStream extent(List<Bar> bars) {
    return bars.stream().flatMapToDouble(bar -> DoubleStream.of(bar.low, bar.high, bar.value));
  }

  private static Markup of(String title, List<Bar> bars, double low, double high, boolean signed) {
    return Svg.figure(width -> svg(title, bars, low, high, signed, width));
  }

  private static Markup svg(
      String title, List<Bar> bars, double low, double high, boolean signed, int width) {
    boolean above = width == Svg.NARROW; // where names stand
    int letters = bars.stream().mapToInt(bar -> shown(bar.name).length()).max().orElse(0);
    double left = above ? 12 : 20 + Svg.LETTER * letters;
    double right = width - (signed ? 24 : above ? 50 : 70); // numbers of shares beyond 100 %
    int row = above ? 2 * ROW - 8 : ROW;
    int height = TOP + bars.size() * row + BOTTOM;
    Markup svg = Svg.drawing(width, height, title + " of " + bars.size() + " bars");
    double perUnit = (right - left) / (high - low);
    double bottom = height - BOTTOM;
    double free = -Svg.LETTER; // where the last label ends
    for (double tick : Scale.LINEAR.ticks(low, high, 6)) {
      double x = left + (tick - low) * perUnit;
      svg.add(Svg.line(x, TOP, x, bottom, "grid"));
      String text =
          signed ? Numbers.points(tick).replaceAll("\\.0$", "") : Numbers.hundredths(tick);
      double half = Svg.LETTER * text.length() / 2;
      if (x - half > free) {
        svg.add(Svg.label(x, bottom + 17, "middle", text));
        free = x + half + 4;
      }
    }
    double zero = left - low * perUnit;
    for (int i = 0; i < bars.size(); i++) {
      Bar bar = bars.get(i);
      double top = TOP + (i + 1) * row - ROW;
      double end = left + (bar.value - low) * perUnit;
      String number = signed ? Numbers.points(bar.value) : Numbers.hundredths(bar.value);
      svg.add(
          above
              ? Svg.label(left, top - 1, "start", shown(bar.name))
              : Svg.label(left - 8, top + 17, "end", shown(bar.name)));
      Markup drawn =
          Svg.box(
              Math.min(zero, end),
              top + 4,
              Math.abs(end - zero),
              ROW - 8,
              bar.value < 0 ? "bar-minus" : "bar-plus");
      svg.add(drawn.add(Markup.of("title").text(describe(bar, number, signed))));
      double from = left + (bar.low - low) * perUnit;
      double to = left + (bar.high - low) * perUnit;
      if (bar.hasInterval()) {
        double middle = top + ROW / 2.0;
        svg.add(Svg.line(from, middle, to, middle, "interval"));
        svg.add(Svg.line(from, middle - 4, from, middle + 4, "interval"));
        svg.add(Svg.line(to, middle - 4, to, middle + 4, "interval"));
      }
      boolean leftwards = bar.value < 0;
      double outer = leftwards ? Math.min(from, end) - 5 : Math.max(to, end) + 5;
      svg.add(Svg.label(outer, top + 17, leftwards ? "end" : "start", number));
    }
    svg.add(Svg.line(zero, TOP, zero, bottom, "axis"));
    Svg.title(svg, width, above ? width / 2.0 : (left + right) / 2, height - 9, title);
    return svg;
  }

  private static String describe(Bar bar, String number, boolean signed) {
    if (!bar.hasInterval()) {
      return bar.name + ": " + number;
    }
    String low = signed ? Numbers.points(bar.low) : Numbers.hundredths(bar.low);
    String high = signed ? Numbers.points(bar.high) : Numbers.hundredths(bar.high);
    return bar.name + ": " + number + ", interval " + low + " to " + high;
  }

  private static String shown(String name) {
    return name.length() <= MOST_LETTERS ? name : name.substring(0, MOST_LETTERS - 1) + "…";
  }
}
