package org.clip4j.image.internal;

import java.io.IOException;

/** Takes the size in an image's header, before anything is allocated for it. */
public interface SizeCheck {

  /**
   * What a byte holds at most where a uniform picture takes next to none: far more pixels than in
   * any picture that shows something.
   */
  int UNIFORM = 1 << 16;

  /**
   * Checks a size.
   *
   * @param bytesPerPixel that decoding takes of memory
   * @param pixelsPerByte that a byte of the file can hold at most
   * @throws IOException if the image is not to be decoded
   */
  void check(int width, int height, int bytesPerPixel, int pixelsPerByte) throws IOException;
}
