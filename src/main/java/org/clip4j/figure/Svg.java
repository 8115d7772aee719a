package org.clip4j.figure;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;

/**
 * Draws the parts that figures consist of. Colours and line widths are those of the style sheet,
 * see {@link #styles}; coordinates are pixels.
 */
public final class Svg {
  /** The width in pixels on a screen. */
  public static final int WIDE = 760;

  /**
   * The width in pixels on a phone, where a figure of the other width would be too small to read.
   */
  public static final int NARROW = 340;

  /**
   * Colours and shapes of marks before they repeat. Series are told apart by both; the colours are
   * Okabe and Ito's, which the colour-blind tell apart.
   */
  static final int STYLES = 6;

  /** Pixels of a letter, about the widest. */
  static final double LETTER = 7.2;

  private Svg() {}

  /** Returns the style sheet that a page with figures needs: its colours, and how all is drawn. */
  public static String styles() {
    try (InputStream css = Svg.class.getResourceAsStream("figure.css")) {
      return new String(css.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("figure.css is missing from the library", e);
    }
  }

  /**
   * Begins an empty drawing.
   *
   * @param summary says in a sentence what is seen, for those who cannot see it
   */
  public static Markup drawing(int width, int height, String summary) {
    return Markup.of("svg", "viewBox", "0 0 " + width + " " + height, "role", "img")
        .attribute("style", "max-width:" + width + "px")
        .attribute("aria-label", summary);
  }

  /**
   * Makes a figure of a drawing, of which the page shows the one or the other of two widths.
   *
   * @param drawing called with {@link #WIDE} and with {@link #NARROW}
   * @param below what stands under it, such as a {@link #key}
   */
  public static Markup figure(IntFunction<Markup> drawing, Markup... below) {
    return Markup.of("figure", "class", "plot")
        .add(Markup.of("div", "class", "on-wide").add(drawing.apply(WIDE)))
        .add(Markup.of("div", "class", "on-narrow").add(drawing.apply(NARROW)))
        .add(below);
  }

  /** Draws a line. */
  public static Markup line(double x1, double y1, double x2, double y2, String style) {
    return Markup.of("line", "class", style)
        .attribute("x1", number(x1))
        .attribute("y1", number(y1))
        .attribute("x2", number(x2))
        .attribute("y2", number(y2));
  }

  /** Writes a text; {@code anchor} is start, middle or end. */
  public static Markup label(double x, double y, String anchor, String text) {
    return Markup.of("text", "x", number(x), "y", number(y), "text-anchor", anchor).text(text);
  }

  /** Writes an axis's title from below to above. */
  public static Markup upwards(double x, double y, String title) {
    return label(x, y, "middle", title)
        .attribute("class", "title")
        .attribute("transform", "rotate(-90 " + number(x) + " " + number(y) + ")");
  }

  /** Writes an axis's title, in two lines where one is too long for the width. */
  static void title(Markup svg, int width, double x, double y, String title) {
    int middle = title.indexOf(' ', title.length() / 2);
    if (LETTER * title.length() <= width || middle < 0) {
      svg.add(label(x, y, "middle", title).attribute("class", "title"));
    } else {
      title(svg, width, width / 2.0, y - 7, title.substring(0, middle));
      title(svg, width, width / 2.0, y + 8, title.substring(middle + 1));
    }
  }

  /** Draws a rectangle. */
  public static Markup box(double x, double y, double width, double height, String style) {
    return Markup.of("rect", "class", style)
        .attribute("x", number(x))
        .attribute("y", number(y))
        .attribute("width", number(width))
        .attribute("height", number(height));
  }

  /** Lists what marks and lines mean; each entry is one of {@link #keyed} or {@link #keyedLine}. */
  public static Markup key(List<Markup> entries) {
    return Markup.of("ul", "class", "key").add(entries.toArray(Markup[]::new));
  }

  /** Explains a series by its mark in a {@link #key}. */
  public static Markup keyed(int style, String meaning) {
    return entry(mark(style, 12, 8, 5), meaning);
  }

  /**
   * Explains a line in a {@link #key}; the series' lines have the styles "line s0" to "line s5".
   */
  public static Markup keyedLine(String style, String meaning) {
    return entry(line(0, 8, 24, 8, style), meaning);
  }

  private static Markup entry(Markup drawn, String meaning) {
    Markup swatch =
        Markup.of("svg", "viewBox", "0 0 24 16", "width", "24", "height", "16").add(drawn);
    return Markup.of("li").add(swatch.attribute("aria-hidden", "true")).text(" " + meaning);
  }

  /** Returns the style of a series. */
  public static String style(int series) {
    return "s" + series % STYLES;
  }

  /** Draws a mark in the shape and colour of a series, of radius r. */
  static Markup mark(int series, double x, double y, double r) {
    String shape =
        switch (series % STYLES) {
          case 0 -> // circle
              String.format(
                  Locale.ROOT,
                  "M%s %sa%3$s %3$s 0 1 0 %4$s 0a%3$s %3$s 0 1 0 -%4$s 0z",
                  number(x - r),
                  number(y),
                  number(r),
                  number(2 * r));
          case 1 -> polygon(x - r, y - r, x + r, y - r, x + r, y + r, x - r, y + r); // square
          case 2 -> polygon(x, y - r - 1, x + r + 1, y + r, x - r - 1, y + r); // triangle
          case 3 -> polygon(x, y - r - 2, x + r + 1, y, x, y + r + 2, x - r - 1, y); // diamond
          case 4 -> polygon(x, y + r + 1, x + r + 1, y - r, x - r - 1, y - r); // triangle, down
          default -> star(x, y, r);
        };
    return Markup.of("path", "class", "mark " + style(series), "d", shape);
  }

  private static String star(double x, double y, double r) {
    double[] points = new double[20];
    for (int i = 0; i < 10; i++) {
      double radius = r * (i % 2 == 0 ? 1.6 : 0.7);
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

  /** Writes a coordinate. */
  public static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }
}
