package org.clip4j.figure;

import java.util.List;
import java.util.function.DoubleFunction;

/** An empty drawing with two labelled axes and a grid, and what can be drawn into it. */
final class Plot {

  /**
   * The size of a drawing, the pixels that its axes leave free around it, and how much it shows.
   *
   * @param parts about how many ticks an axis has
   * @param mark the radius of a mark
   * @param verticals whether the grid has lines upwards too
   */
  record Frame(
      int width,
      int height,
      int left,
      int right,
      int top,
      int bottom,
      int parts,
      double mark,
      boolean verticals) {
    /** For one of many on a page. */
    static final Frame SMALL = new Frame(560, 230, 58, 24, 10, 40, 4, 2.5, false);

    static Frame of(int width) {
      return new Frame(width, 430, 66, 18, 14, 54, 6, 5, true);
    }
  }

  /**
   * One axis.
   *
   * @param title what it measures, with the unit; empty for none
   * @param label how a tick is written
   */
  record Axis(String title, Scale scale, double low, double high, DoubleFunction<String> label) {

    /** Shares from low to high, written in percent. */
    static Axis shares(String title, double low, double high) {
      return new Axis(title + ", %", Scale.LINEAR, low, high, Numbers::hundredths);
    }

    /** As {@link #shares}, spaced by the logit. */
    static Axis logitShares(String title, double low, double high) {
      return new Axis(title + ", % (logit scale)", Scale.LOGIT, low, high, Numbers::hundredths);
    }

    private double along(double value) {
      double from = scale.position(low);
      return (scale.position(value) - from) / (scale.position(high) - from);
    }

    private boolean contains(double value) {
      double along = along(value);
      return along >= -1e-9 && along <= 1 + 1e-9;
    }
  }

  /** A point in the axes' units. */
  record At(double x, double y) {}

  private final Axis x;
  private final Axis y;
  private final Frame frame;
  private final Markup svg;

  /**
   * Draws axes and grid.
   *
   * @param summary says in a sentence what is seen, for those who cannot see it
   */
  Plot(Axis x, Axis y, Frame frame, String summary) {
    this.x = x;
    this.y = y;
    this.frame = frame;
    svg = Svg.drawing(frame.width, frame.height, summary);
    double end = frame.width - frame.right;
    double base = frame.height - frame.bottom;
    for (double tick : y.scale.ticks(y.low, y.high, frame.parts)) {
      svg.add(Svg.line(frame.left, y(tick), end, y(tick), "grid"));
      svg.add(Svg.label(frame.left - 8, y(tick) + 4, "end", y.label.apply(tick)));
    }
    double free = 0; // where the last label ends
    for (double tick : x.scale.ticks(x.low, x.high, frame.parts)) {
      if (frame.verticals) {
        svg.add(Svg.line(x(tick), frame.top, x(tick), base, "grid"));
      }
      String text = x.label.apply(tick);
      double half = Svg.LETTER * text.length() / 2;
      if (x(tick) - half > free) {
        svg.add(Svg.label(x(tick), base + 18, "middle", text));
        free = x(tick) + half + 4;
      }
    }
    double below = frame.height - (frame.bottom > 40 ? 12 : 5);
    Svg.title(svg, frame.width, (frame.left + end) / 2, below, x.title);
    if (!y.title.isEmpty()) {
      svg.add(Svg.upwards(16, (frame.top + base) / 2, y.title));
    }
  }

  double x(double value) {
    return frame.left + x.along(value) * (frame.width - frame.right - frame.left);
  }

  double y(double value) {
    return frame.height - frame.bottom - y.along(value) * (frame.height - frame.bottom - frame.top);
  }

  /** Draws a line through points; what is outside the axes is left out. */
  void path(List<At> points, String style) {
    StringBuilder path = new StringBuilder();
    boolean down = false;
    for (At point : points) {
      boolean inside = x.contains(point.x) && y.contains(point.y);
      if (inside) {
        path.append(down ? "L" : "M").append(pixels(point));
      }
      down = inside;
    }
    svg.add(Markup.of("path", "class", style, "d", path.toString()));
  }

  /** Fills what points enclose. */
  void area(List<At> points, String style) {
    StringBuilder path = new StringBuilder();
    for (At point : points) {
      path.append(path.length() == 0 ? "M" : "L").append(pixels(point));
    }
    svg.add(Markup.of("path", "class", style, "d", path.append('z').toString()));
  }

  private String pixels(At point) {
    return Svg.number(x(point.x)) + " " + Svg.number(y(point.y));
  }

  /** Draws a vertical interval with caps. */
  void interval(double at, double low, double high, String style) {
    double centre = x(at);
    double top = y(Math.min(high, y.high));
    double bottom = y(Math.max(low, y.low));
    svg.add(Svg.line(centre, top, centre, bottom, style));
    svg.add(Svg.line(centre - 4, top, centre + 4, top, style));
    svg.add(Svg.line(centre - 4, bottom, centre + 4, bottom, style));
  }

  /** Draws a mark of a series; {@code title} is shown when the pointer rests on it. */
  void mark(At at, int series, String title) {
    svg.add(Svg.mark(series, x(at.x), y(at.y), frame.mark).add(Markup.of("title").text(title)));
  }

  /** Writes a text at a point in pixels. */
  void text(double pixelX, double pixelY, String text) {
    svg.add(Svg.label(pixelX, pixelY, "start", text));
  }

  /** Returns the finished drawing. */
  Markup svg() {
    return svg;
  }
}
