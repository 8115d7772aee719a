package org.clip4j.examples.options;

import java.util.Locale;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Option;

/** What is seen behind transparent images. */
public final class BackgroundOption {
  @Option(
      names = "--background",
      paramLabel = "RRGGBB",
      description = "Colour behind transparent images (transparency is dropped).")
  private String colour; // null drops transparency

  /** Returns the colour as it is typed, in lower case, or "none". */
  public String name() {
    return colour == null ? "none" : colour.toLowerCase(Locale.ROOT);
  }

  /** Returns a decoder that paints the colour behind transparent images. */
  public ImageDecoder decoder() {
    if (colour == null) {
      return ImageDecoder.defaults();
    }
    if (!colour.matches("[0-9a-fA-F]{6}")) {
      throw new IllegalArgumentException(
          "--background takes six hexadecimal digits RRGGBB, for example ffffff; found " + colour);
    }
    return ImageDecoder.defaults().withBackground(Integer.parseInt(colour, 16));
  }
}
