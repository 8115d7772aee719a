package org.clip4j.examples;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Set;
import javax.imageio.ImageIO;

/**
 * An HTML element under construction: its text and attributes are escaped as they are added, so a
 * page built of these has no hole for markup in a caption or a file name.
 */
final class Html {

  /** Elements that have no content and no end tag. */
  private static final Set<String> VOID = Set.of("br", "hr", "img", "input", "link", "meta");

  /** Thumbnails are embedded no larger than this, in pixels. */
  private static final int MAX_THUMBNAIL = 160;

  private final String tag;
  private final StringBuilder start;
  private final StringBuilder content = new StringBuilder();

  private Html(String tag) {
    this.tag = tag;
    this.start = new StringBuilder("<").append(tag);
  }

  /** An empty element; attributes are given as name, value, name, value. */
  static Html of(String tag, String... attributes) {
    Html element = new Html(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      element.attribute(attributes[i], attributes[i + 1]);
    }
    return element;
  }

  /** The image as an {@code <img>} that holds its own pixels (PNG, base64), at most 160 a side. */
  static Html image(BufferedImage image, String alt) {
    BufferedImage small = shrink(image);
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try {
      ImageIO.write(small, "png", png);
    } catch (IOException e) {
      throw new UncheckedIOException("Cannot encode the thumbnail of '" + alt + "' as PNG", e);
    }
    String data = Base64.getEncoder().encodeToString(png.toByteArray());
    Html img = of("img", "src", "data:image/png;base64," + data, "alt", alt);
    img.attribute("width", Integer.toString(small.getWidth()));
    return img.attribute("height", Integer.toString(small.getHeight()));
  }

  Html attribute(String name, String value) {
    start.append(' ').append(name).append("=\"").append(escape(value)).append('"');
    return this;
  }

  /** Adds text, escaped. */
  Html text(String text) {
    content.append(escape(text));
    return this;
  }

  /** Adds finished elements. */
  Html add(Html... children) {
    for (Html child : children) {
      content.append(child);
    }
    return this;
  }

  /** Adds markup as it is: only for what this program wrote itself, such as a style sheet. */
  Html raw(String markup) {
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

  private static BufferedImage shrink(BufferedImage image) {
    int side = Math.max(image.getWidth(), image.getHeight());
    if (side <= MAX_THUMBNAIL) {
      return image;
    }
    int width = Math.max(1, image.getWidth() * MAX_THUMBNAIL / side);
    int height = Math.max(1, image.getHeight() * MAX_THUMBNAIL / side);
    BufferedImage small = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
    Graphics2D graphics = small.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
    graphics.drawImage(image, 0, 0, width, height, null);
    graphics.dispose();
    return small;
  }
}
