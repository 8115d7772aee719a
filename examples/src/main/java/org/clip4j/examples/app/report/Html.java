package org.clip4j.examples.app.report;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * An HTML element under construction: its text and attributes are escaped as they are added, so a
 * page built of these has no hole for markup in a caption or a file name.
 */
public final class Html {

  /** Elements that have no content and no end tag. */
  private static final Set<String> VOID = Set.of("br", "hr", "img", "input", "link", "meta");

  /** Thumbnails are embedded no larger than this, in pixels. */
  private static final int MAX_THUMBNAIL = 160;

  /** How the address of an embedded JPEG begins. */
  public static final String JPEG_DATA = "data:image/jpeg;base64,";

  private final String tag;
  private final StringBuilder start;
  private final StringBuilder content = new StringBuilder();

  private Html(String tag) {
    this.tag = tag;
    this.start = new StringBuilder("<").append(tag);
  }

  /** An empty element; attributes are given as name, value, name, value. */
  public static Html of(String tag, String... attributes) {
    Html element = new Html(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      element.attribute(attributes[i], attributes[i + 1]);
    }
    return element;
  }

  /**
   * The image as an {@code <img>} that holds its own pixels, at most 160 a side: as PNG, or as JPEG
   * if it had to be made smaller, as photographs are.
   */
  public static Html image(BufferedImage image, String alt) {
    BufferedImage small = shrink(image, MAX_THUMBNAIL);
    boolean drawn = small == image;
    byte[] bytes;
    try {
      bytes = encode(small, drawn ? "png" : "jpeg");
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot encode the thumbnail of '" + alt + "'", e);
    }
    String data = Base64.getEncoder().encodeToString(bytes);
    Html img = of("img", "src", (drawn ? "data:image/png;base64," : JPEG_DATA) + data, "alt", alt);
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

  public Html attribute(String name, String value) {
    start.append(' ').append(name).append("=\"").append(escape(value)).append('"');
    return this;
  }

  /** Adds text, escaped. */
  public Html text(String text) {
    content.append(escape(text));
    return this;
  }

  /** Adds finished elements. */
  public Html add(Html... children) {
    for (Html child : children) {
      content.append(child);
    }
    return this;
  }

  /** Adds markup as it is: only for what this program wrote itself, such as a style sheet. */
  public Html raw(String markup) {
    content.append(markup);
    return this;
  }

  @Override
  public String toString() {
    return VOID.contains(tag) ? start + ">" : start + ">" + content + "</" + tag + ">\n";
  }

  static String escape(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        default -> out.append(c);
      }
    }
    return out.toString();
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
