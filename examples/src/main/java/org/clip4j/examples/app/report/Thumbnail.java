package org.clip4j.examples.app.report;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.clip4j.figure.Markup;

/** Small pictures, inside the page that shows them. */
public final class Thumbnail {
  /** Thumbnails are embedded no larger than this, in pixels. */
  private static final int MAX = 160;

  /** How the address of an embedded JPEG begins. */
  public static final String JPEG_DATA = "data:image/jpeg;base64,";

  private Thumbnail() {}

  /**
   * The image as an {@code <img>} that holds its own pixels, at most 160 a side: as PNG, or as JPEG
   * if it had to be made smaller, as photographs are.
   */
  public static Markup of(BufferedImage image, String alt) {
    BufferedImage small = shrink(image, MAX);
    boolean drawn = small == image;
    byte[] bytes;
    try {
      bytes = encode(small, drawn ? "png" : "jpeg");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot encode the thumbnail of '" + alt + "'", e);
    }
    String data = Base64.getEncoder().encodeToString(bytes);
    Markup img =
        Markup.of("img", "src", (drawn ? "data:image/png;base64," : JPEG_DATA) + data, "alt", alt);
    if (!drawn) {
      img.attribute("class", "photo");
    }
    img.attribute("width", Integer.toString(small.getWidth()));
    return img.attribute("height", Integer.toString(small.getHeight()));
  }

  /** The image as a JPEG of at most so many pixels a side. */
  public static byte[] jpeg(BufferedImage image, int side) throws IOException {
    return encode(shrink(image, side), "jpeg");
  }

  private static byte[] encode(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    // Without a cache the JDK writes no temporary file for each.
    try (ImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(image, format, out)) {
        throw new IOException("the JDK has no writer of " + format + " for this image");
      }
    }
    return bytes.toByteArray();
  }

  /** Halves it until half is too small, since bilinear interpolation sees four pixels only. */
  private static BufferedImage shrink(BufferedImage image, int most) {
    int side = Math.max(image.getWidth(), image.getHeight());
    if (side <= most) {
      return image;
    }
    int next = Math.max(most, (side + 1) / 2);
    int width = Math.max(1, (int) ((long) image.getWidth() * next / side));
    int height = Math.max(1, (int) ((long) image.getHeight() * next / side));
    BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = small.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(image, 0, 0, width, height, null);
    graphics.dispose();
    return shrink(small, most);
  }
}
