package org.clip4j.explain;

import java.awt.geom.Point2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.clip4j.image.RgbImage;
import org.clip4j.io.StagedFiles;

/**
 * Says how much of a similarity comes from each cell of an image: each patch of a Vision
 * Transformer, or each position of a layer of a ResNet.
 */
public final class HeatMap {
  /** The picture's own colours shine through by this share where the map is hottest. */
  private static final double SHOWN = 0.35;

  private static final int ENLARGED = 224;

  /** Inferno at equal steps: even in lightness, and readable by the colour-blind. */
  private static final int[] COLOURS = {
    0x000004, 0x1F0C48, 0x550F6D, 0x88226A, 0xBA3655, 0xE35933, 0xF98C0A, 0xF9C932, 0xFCFFA4
  };

  private final int rows;
  private final int columns;
  private final float[] values;
  private final Rectangle2D area;

  HeatMap(int rows, int columns, float[] values, Rectangle2D area) {
    this.rows = rows;
    this.columns = columns;
    this.values = values.clone();
    this.area = area;
  }

  /** Returns how many cells lie one above the other. */
  public int rows() {
    return rows;
  }

  /** Returns how many cells lie side by side. */
  public int columns() {
    return columns;
  }

  /** Returns the relevance of each cell, at least 0, row by row: [rows, columns], a copy. */
  public float[] values() {
    return values.clone();
  }

  /**
   * Returns what of the image the cells cover, in its pixels; what the model's transform crops is
   * outside.
   */
  public Rectangle2D area() {
    return (Rectangle2D) area.clone();
  }

  /**
   * Returns the relevance of a point of the image, between the cells' by bilinear interpolation.
   */
  public double at(double x, double y) {
    double column = (x - area.getX()) / area.getWidth() * columns - 0.5;
    double row = (y - area.getY()) / area.getHeight() * rows - 0.5;
    int left = (int) Math.floor(column);
    int top = (int) Math.floor(row);
    double right = column - left;
    double down = row - top;
    return (1 - down) * ((1 - right) * cell(top, left) + right * cell(top, left + 1))
        + down * ((1 - right) * cell(top + 1, left) + right * cell(top + 1, left + 1));
  }

  private float cell(int row, int column) {
    int y = Math.max(0, Math.min(rows - 1, row));
    int x = Math.max(0, Math.min(columns - 1, column));
    return values[y * columns + x];
  }

  /**
   * Returns the share of the relevance that lies within a box of the image, that of each cell
   * spread evenly over it.
   *
   * @param box in the image's pixels
   * @return from 0 to 1; NaN where there is no relevance at all
   */
  public double shareWithin(Rectangle2D box) {
    double width = area.getWidth() / columns;
    double height = area.getHeight() / rows;
    double within = 0;
    double all = 0;
    for (int i = 0; i < values.length; i++) {
      double x = area.getX() + i % columns * width;
      double y = area.getY() + i / columns * height;
      double shared =
          shared(x, x + width, box.getMinX(), box.getMaxX())
              * shared(y, y + height, box.getMinY(), box.getMaxY());
      within += values[i] * shared / (width * height);
      all += values[i];
    }
    return within / all;
  }

  private static double shared(double from, double to, double low, double high) {
    return Math.max(0, Math.min(to, high) - Math.max(from, low));
  }

  /**
   * Returns a map of what stands out: of each cell what its relevance exceeds the mean by, and 0
   * where it does not. Relevance that lies evenly over the image says nothing of a place.
   */
  public HeatMap aboveMean() {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    float mean = (float) (sum / values.length);
    float[] above = new float[values.length];
    for (int i = 0; i < above.length; i++) {
      above[i] = Math.max(0, values[i] - mean);
    }
    return new HeatMap(rows, columns, above, area);
  }

  /** Returns the middle of the cell of greatest relevance, in the image's pixels. */
  public Point2D hottest() {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return new Point2D.Double(
        area.getX() + (best % columns + 0.5) * area.getWidth() / columns,
        area.getY() + (best / columns + 0.5) * area.getHeight() / rows);
  }

  /**
   * Lays the map over the image: from black where relevance is least, to yellow where it is
   * greatest. What the model did not see stays as it is. Small images are enlarged a whole number
   * of times, up to {@value #ENLARGED} pixels.
   *
   * @param image the one that was explained
   */
  public BufferedImage overlay(RgbImage image) {
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    int times = Math.max(1, ENLARGED / Math.max(image.width(), image.height()));
    BufferedImage drawn =
        new BufferedImage(
            image.width() * times, image.height() * times, BufferedImage.TYPE_INT_RGB);
    for (int row = 0; row < drawn.getHeight(); row++) {
      for (int column = 0; column < drawn.getWidth(); column++) {
        double x = (column + 0.5) / times;
        double y = (row + 0.5) / times;
        int pixel = ((int) y * image.width() + (int) x) * 3;
        boolean seen = area.contains(x, y);
        double share = !seen || most <= least ? 0 : (at(x, y) - least) / (most - least);
        int rgb = 0;
        for (int c = 0; c < 3; c++) {
          int level = image.pixels()[pixel + c] & 0xFF;
          rgb = rgb << 8 | (seen ? mixed(level, share, 16 - 8 * c) : level);
        }
        drawn.setRGB(column, row, rgb);
      }
    }
    return drawn;
  }

  private static int mixed(int level, double share, int shift) {
    double position = share * (COLOURS.length - 1);
    int step = Math.min((int) position, COLOURS.length - 2);
    int from = COLOURS[step] >> shift & 255;
    int to = COLOURS[step + 1] >> shift & 255;
    double colour = from + (position - step) * (to - from);
    return (int) Math.round(SHOWN * level + (1 - SHOWN) * colour);
  }

  /**
   * Writes {@link #overlay} as PNG.
   *
   * @param file replaced if it is there
   */
  public void writeOverlay(RgbImage image, Path file) throws IOException {
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(overlay(image), "png", png);
    try (StagedFiles files = new StagedFiles()) {
      files.write(file, png.toByteArray());
      files.commit();
    }
  }
}
