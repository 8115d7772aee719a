package org.clip4j.image;

import java.io.IOException;

/**
 * Reports that an image file cannot be decoded: it is empty, not an image, of a format that is not
 * supported, damaged, truncated, or larger than allowed. The message names the file and what is
 * wrong with it.
 */
public final class ImageFormatException extends IOException {
  /** Thrown inside the decoder, which knows the size before it knows the name. */
  static final class TooLargeException extends IOException {
    TooLargeException(String problem) {
      super(problem);
    }
  }

  /**
   * @param name of the file, as the caller knows it
   * @param problem the rest of the sentence that the name begins
   */
  ImageFormatException(String name, String problem) {
    super(name + " " + problem);
  }

  /** As above, with what the decoder said. */
  ImageFormatException(String name, String problem, Throwable cause) {
    super(name + " " + problem, cause);
  }

  /** Returns whether it may be a sound image, but one larger than the decoder's limits allow. */
  public boolean isTooLarge() {
    for (Throwable cause = getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof TooLargeException) {
        return true;
      }
    }
    return false;
  }
}
