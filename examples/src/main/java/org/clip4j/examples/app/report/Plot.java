package org.clip4j.examples.app.report;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.function.IntFunction;

/**
 * An empty figure with two labelled axes and a grid, and what can be drawn into it, as SVG inside
 * the page and in the page's colours. Series are told apart by colour (Okabe and Ito's, which the
 * colour-blind tell apart) and by the shape of their marks.
 */
public final class Plot {
  /** Pixels across on a screen. */
  static final int WIDE = 760;

  /** Pixels across on a phone, where a figure of the other width would be too small to read. */
  static final int NARROW = 340;

  /** Colours and marks before they repeat. */
  static final int STYLES = 6;

  private static final int HEIGHT = 430;
  private static final int LEFT = 66;
  private static final int RIGHT = 18;
  private static final int TOP = 14;
  private static final int BOTTOM = 54;
  private static final double MARK = 5;
  private static final double LETTER = 7.2; // pixels, about the widest

  /**
   * One axis.
   *
   * @param title what it measures, with the unit
   * @param label how a tick is written
   */
  record Axis(String title, Scale scale, double low, double high, DoubleFunction<String> label) {

    /** Shares from low to high, written in percent. */
    static Axis shares(String title, double low, double high) {
      return new Axis(title + ", %", Scale.LINEAR, low, high, Plot::hundredths);
    }

    /** As {@link #shares}, spaced by the logit. */
    static Axis logitShares(String title, double low, double high) {
      return new Axis(title + ", % (logit scale)", Scale.LOGIT, low, high, Plot::hundredths);
    }

    private double along(double value) {
      double from = scale.position(low);
      return (scale.position(value) - from) / (scale.position(high) - from);
    }

    boolean contains(double value) {
      double along = along(value);
      return along >= -1e-9 && along <= 1 + 1e-9;
    }
  }

  private final Axis x;
  private final Axis y;
  private final int width;
  private final Html svg;

  /**
   * Axes and grid.
   *
   * @param width {@link #WIDE} or {@link #NARROW}
   * @param summary says in a sentence what is seen, for those who cannot see it
   */
  Plot(Axis x, Axis y, int width, String summary) {
    this.x = x;
    this.y = y;
    this.width = width;
    svg = svg(width, HEIGHT, summary);
    for (double tick : y.scale.ticks(y.low, y.high)) {
      svg.add(line(LEFT, y(tick), width - RIGHT, y(tick), "grid"));
      svg.add(label(LEFT - 8, y(tick) + 4, "end", y.label.apply(tick)));
    }
    double free = 0; // where the last label ends
    for (double tick : x.scale.ticks(x.low, x.high)) {
      svg.add(line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "grid"));
      String text = x.label.apply(tick);
      double half = LETTER * text.length() / 2;
      if (x(tick) - half > free) {
        svg.add(label(x(tick), HEIGHT - BOTTOM + 18, "middle", text));
        free = x(tick) + half + 4;
      }
    }
    title(svg, width, (LEFT + width - RIGHT) / 2.0, HEIGHT - 12, x.title);
    double middle = (TOP + HEIGHT - BOTTOM) / 2.0;
    svg.add(
        label(16, middle, "middle", y.title)
            .attribute("class", "title")
            .attribute("transform", "rotate(-90 16 " + number(middle) + ")"));
  }

  /** An empty drawing. */
  static Html svg(int width, int height, String summary) {
    return Html.of("svg", "viewBox", "0 0 " + width + " " + height, "role", "img")
        .attribute("style", "max-width:" + width + "px")
        .attribute("aria-label", summary);
  }

  /**
   * A drawing as a part of a page, which shows the one or the other of two widths.
   *
   * @param drawing made for {@link #WIDE} and for {@link #NARROW} pixels
   */
  static Html figure(IntFunction<Html> drawing, Html... below) {
    return Html.of("figure", "class", "plot")
        .add(Html.of("div", "class", "on-wide").add(drawing.apply(WIDE)))
        .add(Html.of("div", "class", "on-narrow").add(drawing.apply(NARROW)))
        .add(below);
  }

  /** An axis's title, in two lines where one is too long for the width. */
  static void title(Html svg, int width, double x, double y, String title) {
    int middle = title.indexOf(' ', title.length() / 2);
    if (LETTER * title.length() <= width || middle < 0) {
      svg.add(label(x, y, "middle", title).attribute("class", "title"));
    } else {
      title(svg, width, width / 2.0, y - 7, title.substring(0, middle));
      title(svg, width, width / 2.0, y + 8, title.substring(middle + 1));
    }
  }

  double x(double value) {
    return LEFT + x.along(value) * (width - RIGHT - LEFT);
  }

  double y(double value) {
    return HEIGHT - BOTTOM - y.along(value) * (HEIGHT - BOTTOM - TOP);
  }

  /** A line through points given as [x, y]; what is outside the axes is left out. */
  Plot path(List<double[]> points, String style) {
    StringBuilder path = new StringBuilder();
    boolean down = false;
    for (double[] point : points) {
      boolean inside = x.contains(point[0]) && y.contains(point[1]);
      if (inside) {
        path.append(down ? "L" : "M").append(number(x(point[0]))).append(' ');
        path.append(number(y(point[1])));
      }
      down = inside;
    }
    svg.add(Html.of("path", "class", style, "d", path.toString()));
    return this;
  }

  /** A vertical interval with caps. */
  Plot interval(double at, double low, double high, String style) {
    double centre = x(at);
    double top = y(Math.min(high, y.high));
    double bottom = y(Math.max(low, y.low));
    svg.add(line(centre, top, centre, bottom, style));
    svg.add(line(centre - 4, top, centre + 4, top, style));
    svg.add(line(centre - 4, bottom, centre + 4, bottom, style));
    return this;
  }

  /** A mark of the given style; {@code title} is shown when the pointer rests on it. */
  Plot mark(double atX, double atY, int style, String title) {
    svg.add(mark(style, x(atX), y(atY)).add(Html.of("title").text(title)));
    return this;
  }

  /** Text at a point in pixels, {@code anchor} start, middle or end. */
  Plot text(double pixelX, double pixelY, String anchor, String text) {
    svg.add(label(pixelX, pixelY, anchor, text));
    return this;
  }

  /** The finished drawing. */
  Html svg() {
    return svg;
  }

  /** A list of what marks and lines mean; each entry from {@link #keyed} or {@link #keyedLine}. */
  static Html key(List<Html> entries) {
    return Html.of("ul", "class", "key").add(entries.toArray(Html[]::new));
  }

  /** An entry of a key: a mark and its meaning. */
  static Html keyed(int style, String meaning) {
    return entry(mark(style, 12, 8), meaning);
  }

  /** An entry of a key: a line and its meaning. */
  static Html keyedLine(String style, String meaning) {
    return entry(line(0, 8, 24, 8, style), meaning);
  }

  private static Html entry(Html drawn, String meaning) {
    Html swatch = Html.of("svg", "viewBox", "0 0 24 16", "width", "24", "height", "16").add(drawn);
    return Html.of("li").add(swatch.attribute("aria-hidden", "true")).text(" " + meaning);
  }

  static Html line(double x1, double y1, double x2, double y2, String style) {
    return Html.of("line", "class", style)
        .attribute("x1", number(x1))
        .attribute("y1", number(y1))
        .attribute("x2", number(x2))
        .attribute("y2", number(y2));
  }

  static Html label(double x, double y, String anchor, String text) {
    return Html.of("text", "x", number(x), "y", number(y), "text-anchor", anchor).text(text);
  }

  static Html box(double x, double y, double width, double height, String style) {
    return Html.of("rect", "class", style)
        .attribute("x", number(x))
        .attribute("y", number(y))
        .attribute("width", number(width))
        .attribute("height", number(height));
  }

  private static Html mark(int style, double x, double y) {
    double r = MARK;
    String shape =
        switch (style % STYLES) {
          case 0 -> // circle
              String.format(
                  Locale.ROOT,
                  "M%1$s %2$sa5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
                  number(x - r),
                  number(y));
          case 1 -> polygon(x - r, y - r, x + r, y - r, x + r, y + r, x - r, y + r); // square
          case 2 -> polygon(x, y - r - 1, x + r + 1, y + r, x - r - 1, y + r); // triangle
          case 3 -> polygon(x, y - r - 2, x + r + 1, y, x, y + r + 2, x - r - 1, y); // diamond
          case 4 -> polygon(x, y + r + 1, x + r + 1, y - r, x - r - 1, y - r); // triangle, down
          default -> star(x, y);
        };
    return Html.of("path", "class", "mark s" + style % STYLES, "d", shape);
  }

  private static String star(double x, double y) {
    double[] points = new double[20];
    for (int i = 0; i < 10; i++) {
      double radius = i % 2 == 0 ? MARK + 3 : MARK - 1.5;
      points[2 * i] = x + radius * Math.sin(Math.PI * i / 5);
      points[2 * i + 1] = y - radius * Math.cos(Math.PI * i / 5);
    }
    return polygon(points);
  }

  private static String polygon(double... points) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i < points.length; i += 2) {
      path.append(i == 0 ? "M" : "L").append(number(points[i])).append(' ');
      path.append(number(points[i + 1]));
    }
    return path.append('z').toString();
  }

  static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  /** A share as a percentage without its sign, with no more decimals than it needs. */
  public static String hundredths(double share) {
    String text = String.format(Locale.ROOT, "%.1f", 100 * share);
    return (text.endsWith(".0") ? text.substring(0, text.length() - 2) : text).replace('-', '−');
  }

  /** A share in percent with one decimal, as "93.4 %". */
  public static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** A cosine similarity, as "0.273" or "−0.012". */
  static String cosine(double cosine) {
    String text = String.format(Locale.ROOT, "%.3f", cosine);
    return text.equals("-0.000") ? "0.000" : text.replace('-', '−');
  }

  /** A difference of shares in percentage points, as "+3.4" or "−0.2". */
  public static String points(double share) {
    String text = String.format(Locale.ROOT, "%+.1f", 100 * share);
    return text.equals("+0.0") || text.equals("-0.0") ? "0.0" : text.replace('-', '−');
  }
}
