package org.clip4j.image;

/**
 * A decoded image: 8-bit sRGB, interleaved.
 *
 * @param width in pixels, at least 1
 * @param height in pixels, at least 1
 * @param pixels height * width * 3 bytes, row-major [height, width, RGB]; not copied, do not modify
 */
public record RgbImage(int width, int height, byte[] pixels) {

  /** Checks that the sizes agree. */
  public RgbImage {
    if (width < 1 || height < 1 || (long) width * height * 3 != pixels.length) {
      throw new IllegalArgumentException(
          "an RGB image of "
              + width
              + " x "
              + height
              + " pixels needs "
              + 3L * width * height
              + " bytes, found "
              + pixels.length);
    }
  }
}
