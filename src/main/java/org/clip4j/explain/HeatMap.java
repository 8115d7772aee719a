package org.clip4j.explain;

import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.clip4j.image.RgbImage;
import org.clip4j.io.StagedFiles;

/**
 * How much of a similarity comes from each cell of an image: each patch of a Vision Transformer, or
 * each position of a layer of a ResNet.
 */
public final class HeatMap {
  /** The picture's own colours shine through by this share where the map is hottest. */
  private static final double SHOWN = 0.35;

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
   * Lays the map over the image: from black where relevance is least, to yellow where it is
   * greatest. What the model did not see stays as it is.
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
    BufferedImage drawn =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0, p = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++, p += 3) {
        int rgb = 0;
        boolean seen = area.contains(x + 0.5, y + 0.5);
        double share = !seen || most <= least ? 0 : (at(x + 0.5, y + 0.5) - least) / (most - least);
        for (int c = 0; c < 3; c++) {
          int level = image.pixels()[p + c] & 0xFF;
          rgb = rgb << 8 | (seen ? mixed(level, share, 16 - 8 * c) : level);
        }
        drawn.setRGB(x, y, rgb);
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
