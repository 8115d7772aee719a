package org.clip4j.image.internal;

import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/**
 * Finds the JDK's own readers: ImageIO's registry sees only the plugins of the class loader that
 * touched it first, and other plugins of the application must not change the pixels.
 */
public final class JdkReaders {
  private JdkReaders() {}

  /** Makes a reader of a format, which whoever asks disposes of. */
  public static ImageReader create(String format) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format);
    while (readers.hasNext()) {
      ImageReader reader = readers.next();
      if (reader.getClass().getModule() == ImageIO.class.getModule()) {
        return reader;
      }
    }
    throw new IOException("this Java runtime has no reader for " + format);
  }
}
