package org.clip4j.data;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.clip4j.image.RgbImage;

/**
 * An image file of a table. The path is kept as written and resolved when read, so that a table of
 * millions of rows costs its text only.
 */
record ImageFile(Path root, String file) implements ImageSource {

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
    Path path;
    try {
      path = root.resolve(file);
    } catch (InvalidPathException e) {
      throw new IOException("\"" + file + "\" is not a file name: " + e.getReason(), e);
    }
    return decode(path);
  }

  // TODO(image): becomes ImageDecoder.decode(path); until then what the JDK reads.
  private static RgbImage decode(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no such image file");
    }
    BufferedImage image;
    try {
      image = ImageIO.read(path.toFile());
    } catch (IOException e) {
      throw new IOException(path + " cannot be decoded: " + e.getMessage(), e);
    }
    if (image == null) {
      throw new IOException(path + " is not an image of a known format");
    }
    byte[] pixels = new byte[image.getWidth() * image.getHeight() * 3];
    int at = 0;
    for (int rgb :
        image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth())) {
      pixels[at++] = (byte) (rgb >> 16);
      pixels[at++] = (byte) (rgb >> 8);
      pixels[at++] = (byte) rgb;
    }
    return new RgbImage(image.getWidth(), image.getHeight(), pixels);
  }
}
