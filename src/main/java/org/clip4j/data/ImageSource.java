package org.clip4j.data;

import java.io.IOException;
import org.clip4j.image.RgbImage;

/**
 * An image that can be read, perhaps more than once. Implementations are safe for use by several
 * threads.
 */
public interface ImageSource {

  /** What an error message calls this image: a file name, or a position in a generated set. */
  String name();

  /**
   * Reads and decodes the image.
   *
   * @throws IOException if it cannot be read or decoded; the message names it
   */
  RgbImage read() throws IOException;
}
