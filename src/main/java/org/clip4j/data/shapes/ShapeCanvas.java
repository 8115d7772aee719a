package org.clip4j.data.shapes;

import java.util.Arrays;
import org.clip4j.image.RgbImage;

/**
 * Fills polygons with anti-aliased edges.
 *
 * <p>Own code rather than Java2D: drawing on a BufferedImage starts the desktop toolkit, which
 * fails where DISPLAY names a server that is not there, and its rasteriser changes between Java
 * versions. This one draws the same pixels everywhere.
 */
final class ShapeCanvas {
  /** Scan lines per pixel; along each, coverage is exact. */
  private static final int SCANS = 8;

  /** What a pixel is coloured with. */
  interface Paint {
    /**
     * @param channel 0 to 2
     * @return 0 to 255
     */
    double level(int x, int y, int channel);

    static Paint of(int[] colour) {
      return (x, y, channel) -> colour[channel];
    }
  }

  private final int side;
  private final double[] levels; // [side, side, RGB], 0 to 255

  ShapeCanvas(int side) {
    this.side = side;
    this.levels = new double[side * side * 3];
  }

  /** Fills the canvas with colours that change evenly along a direction. */
  void gradient(int[] from, int[] to, double angle) {
    double dx = StrictMath.cos(angle);
    double dy = StrictMath.sin(angle);
    double reach = Math.abs(dx) + Math.abs(dy);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        double along = ((x + 0.5) / side - 0.5) * dx + ((y + 0.5) / side - 0.5) * dy;
        double share = along / reach + 0.5;
        for (int c = 0; c < 3; c++) {
          levels[(y * side + x) * 3 + c] = from[c] + (to[c] - from[c]) * share;
        }
      }
    }
  }

  /** Fills the canvas. */
  void fill(Paint paint) {
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        for (int c = 0; c < 3; c++) {
          levels[(y * side + x) * 3 + c] = paint.level(x, y, c);
        }
      }
    }
  }

  /**
   * Draws outlines as lines.
   *
   * @param outlines closed polygons [x0, y0, x1, y1, ...] in pixels
   * @param width of the line in pixels
   */
  void stroke(double[][] outlines, double width, Paint paint) {
    double[] coverage = new double[side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        double away = Double.POSITIVE_INFINITY;
        for (double[] outline : outlines) {
          away = Math.min(away, distance(outline, x + 0.5, y + 0.5));
        }
        coverage[x] = Math.max(0, Math.min(1, width / 2 - away + 0.5));
      }
      blend(y, coverage, paint);
    }
  }

  /** From a point to the nearest of a closed polygon. */
  private static double distance(double[] outline, double x, double y) {
    double least = Double.POSITIVE_INFINITY;
    double x0 = outline[outline.length - 2];
    double y0 = outline[outline.length - 1];
    for (int i = 0; i < outline.length; i += 2) {
      double dx = outline[i] - x0;
      double dy = outline[i + 1] - y0;
      double square = dx * dx + dy * dy;
      double along = square == 0 ? 0 : ((x - x0) * dx + (y - y0) * dy) / square;
      along = Math.max(0, Math.min(1, along));
      double ox = x - x0 - along * dx;
      double oy = y - y0 - along * dy;
      least = Math.min(least, ox * ox + oy * oy);
      x0 = outline[i];
      y0 = outline[i + 1];
    }
    return Math.sqrt(least);
  }

  /** As {@link #fill(double[][], Paint)}, in one colour. */
  void fill(double[][] outlines, int[] colour) {
    fill(outlines, Paint.of(colour));
  }

  /**
   * Fills what an odd number of outlines encloses.
   *
   * @param outlines closed polygons [x0, y0, x1, y1, ...] in pixels
   */
  void fill(double[][] outlines, Paint paint) {
    double top = Double.POSITIVE_INFINITY;
    double bottom = Double.NEGATIVE_INFINITY;
    int points = 0;
    for (double[] outline : outlines) {
      points += outline.length / 2;
      for (int i = 1; i < outline.length; i += 2) {
        top = Math.min(top, outline[i]);
        bottom = Math.max(bottom, outline[i]);
      }
    }
    double[] crossings = new double[points];
    double[] coverage = new double[side];
    int last = Math.min(side - 1, (int) Math.floor(bottom));
    for (int y = Math.max(0, (int) Math.floor(top)); y <= last; y++) {
      Arrays.fill(coverage, 0);
      for (int scan = 0; scan < SCANS; scan++) {
        int count = crossings(outlines, y + (scan + 0.5) / SCANS, crossings);
        Arrays.sort(crossings, 0, count);
        for (int i = 0; i + 1 < count; i += 2) {
          cover(coverage, crossings[i], crossings[i + 1]);
        }
      }
      blend(y, coverage, paint);
    }
  }

  private static int crossings(double[][] outlines, double y, double[] crossings) {
    int count = 0;
    for (double[] outline : outlines) {
      double x0 = outline[outline.length - 2];
      double y0 = outline[outline.length - 1];
      for (int i = 0; i < outline.length; i += 2) {
        double x1 = outline[i];
        double y1 = outline[i + 1];
        if ((y0 <= y) != (y1 <= y)) {
          crossings[count++] = x0 + (y - y0) * (x1 - x0) / (y1 - y0);
        }
        x0 = x1;
        y0 = y1;
      }
    }
    return count;
  }

  private void cover(double[] coverage, double from, double to) {
    double left = Math.max(0, from);
    double right = Math.min(side, to);
    for (int x = (int) left; x < right; x++) {
      coverage[x] += (Math.min(right, x + 1) - Math.max(left, x)) / SCANS;
    }
  }

  private void blend(int y, double[] coverage, Paint paint) {
    for (int x = 0; x < side; x++) {
      if (coverage[x] > 0) {
        for (int c = 0; c < 3; c++) {
          int at = (y * side + x) * 3 + c;
          levels[at] += (paint.level(x, y, c) - levels[at]) * coverage[x];
        }
      }
    }
  }

  RgbImage image() {
    byte[] pixels = new byte[levels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) Math.max(0, Math.min(255, (int) (levels[i] + 0.5)));
    }
    return new RgbImage(side, side, pixels);
  }
}
