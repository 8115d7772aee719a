package org.clip4j.data;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;

/**
 * An image file of a table. The path is kept as written and resolved when read, so that a table of
 * millions of rows costs its text only.
 */
record ImageFile(Path root, String file, ImageDecoder decoder) implements ImageSource {

  @Override
  public String name() {
    try {
      return root.resolve(file).toString();
    } catch (InvalidPathException e) {
      return file;
    }
  }

  @Override
  public RgbImage read() throws IOException {
    try {
      return decoder.read(root.resolve(file));
    } catch (InvalidPathException e) {
      throw new IOException("\"" + file + "\" is not a file name: " + e.getReason(), e);
    }
  }
}
