package org.clip4j.encode;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;
import org.clip4j.io.FileNames;

/**
 * Names an image file of a table or folder. The name is kept as written and resolved when read, so
 * that a table of millions of rows costs its text only.
 *
 * @param path the file itself; null where the name leads to it
 */
public record ImageFile(Path root, String file, Path path, ImageDecoder decoder)
    implements ImageSource {

  @Override
  public String name() {
    try {
      return FileNames.text(resolve());
    } catch (InvalidPathException e) {
      return file;
    }
  }

  private Path resolve() {
    return path != null ? path : FileNames.resolve(root, file);
  }

  @Override
  public RgbImage read() throws IOException {
    try {
      return decoder.read(resolve());
    } catch (InvalidPathException e) {
      throw new IOException("\"" + file + "\" is not a file name: " + e.getReason(), e);
    }
  }
}
