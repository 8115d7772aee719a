package org.clip4j.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntToDoubleFunction;

/**
 * Curves over the steps as SVG text, in the colours of the page's style sheet: of each its mean as
 * a line, and where neighbours were merged the range between their lowest and highest as a band.
 */
final class SvgChart {
  /** How many the style sheet has; more curves share them. */
  static final int COLOURS = 6;

  private static final int WIDTH = 560;
  private static final int HEIGHT = 230;
  private static final int LEFT = 58;
  private static final int RIGHT = 24;
  private static final int TOP = 10;
  private static final int BOTTOM = 40;

  /** Highest over lowest from which a scale is logarithmic, if that is allowed. */
  private static final double WIDE = 100;

  private final Map<String, Curve> curves;
  private final boolean logarithmic;
  private final double maxStep;
  private final double low;
  private final double high;
  private final StringBuilder svg = new StringBuilder();

  private SvgChart(Map<String, Curve> curves, long lastStep, boolean mayBeLogarithmic) {
    this.curves = curves;
    double lowest = curves.values().stream().mapToDouble(Curve::lowest).min().orElse(0);
    double highest = curves.values().stream().mapToDouble(Curve::highest).max().orElse(1);
    logarithmic = mayBeLogarithmic && lowest > 0 && highest / lowest > WIDE;
    maxStep = Math.max(1, lastStep);
    if (logarithmic) {
      low = Math.floor(Math.log10(lowest));
      high = Math.max(low + 1, Math.ceil(Math.log10(highest)));
    } else {
      double from = lowest > 0 && lowest < 0.6 * highest ? 0 : lowest;
      double tick = tick(from, highest);
      low = Math.floor(from / tick) * tick;
      high = Math.max(low + tick, Math.ceil(highest / tick) * tick);
    }
  }

  /**
   * The chart; empty if no curve has a value.
   *
   * @param curves by name
   * @param lastStep where the steps' axis ends
   * @param mayBeLogarithmic whether values of very different size are drawn by their logarithm
   */
  static String of(Map<String, Curve> curves, long lastStep, boolean mayBeLogarithmic) {
    if (curves.values().stream().allMatch(curve -> curve.size() == 0)) {
      return "";
    }
    return new SvgChart(curves, lastStep, mayBeLogarithmic).draw();
  }

  private String draw() {
    add("<svg viewBox=\"0 0 %d %d\" role=\"img\">", WIDTH, HEIGHT);
    for (double y : ticks(low, high, logarithmic ? 1 : tick(low, high))) {
      add(
          "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%3$.1f\"/>",
          LEFT, WIDTH - RIGHT, y(y));
      add(
          "<text class=\"y\" x=\"%d\" y=\"%.1f\">%s</text>",
          LEFT - 6, y(y) + 4, number(logarithmic ? Math.pow(10, y) : y));
    }
    for (double x : ticks(0, maxStep, Math.max(1, tick(0, maxStep)))) {
      add("<text class=\"x\" x=\"%.1f\" y=\"%d\">%s</text>", x(x), HEIGHT - 22, number(x));
    }
    add("<text class=\"x\" x=\"%d\" y=\"%d\">step</text>", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5);
    int index = 0;
    for (Curve curve : curves.values()) {
      draw(curve, "c" + index++ % COLOURS);
    }
    return svg.append("</svg>\n").toString();
  }

  private void draw(Curve curve, String colour) {
    int n = curve.size();
    if (n > 1) {
      List<String> outline = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        outline.add(point(curve, i, curve::high));
      }
      for (int i = n - 1; i >= 0; i--) {
        outline.add(point(curve, i, curve::low));
      }
      add("<polygon class=\"%s\" points=\"%s\"/>", colour, String.join(" ", outline));
    }
    List<String> line = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      line.add(point(curve, i, curve::mean));
    }
    add("<polyline class=\"%s\" points=\"%s\"/>", colour, String.join(" ", line));
    if (n > 0 && n <= 40) {
      for (int i = 0; i < n; i++) {
        add(
            "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>",
            colour, x(curve.step(i)), y(scaled(curve.mean(i))));
      }
    }
  }

  private String point(Curve curve, int i, IntToDoubleFunction value) {
    return String.format(
        Locale.ROOT, "%.1f,%.1f", x(curve.step(i)), y(scaled(value.applyAsDouble(i))));
  }

  private double scaled(double value) {
    return logarithmic ? Math.log10(value) : value;
  }

  private double x(double step) {
    return LEFT + step / maxStep * (WIDTH - LEFT - RIGHT);
  }

  private double y(double value) {
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
  }

  private void add(String format, Object... values) {
    svg.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /** 1, 2 or 5 times a power of ten, so that there are about four. */
  private static double tick(double from, double to) {
    double range = to - from > 0 ? to - from : Math.max(Math.abs(to), 1e-9);
    double raw = range / 4;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double digit = raw / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  }

  private static List<Double> ticks(double from, double to, double tick) {
    List<Double> ticks = new ArrayList<>();
    for (long i = Math.round(Math.ceil(from / tick - 1e-9)); i * tick <= to + 1e-9 * tick; i++) {
      ticks.add(i * tick);
    }
    return ticks;
  }

  /** Short, with as many digits as matter. */
  static String number(double value) {
    double size = Math.abs(value);
    if (size >= 1e6 || size > 0 && size < 1e-3) {
      return String.format(Locale.ROOT, "%.1e", value).replace("e+0", "e").replace("e-0", "e-");
    }
    if (size >= 1000) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    String text = String.format(Locale.ROOT, size >= 100 ? "%.1f" : "%.4f", value);
    return text.replaceAll("\\.?0+$", "");
  }
}
