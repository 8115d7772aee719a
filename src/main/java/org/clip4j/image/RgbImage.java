package org.clip4j.image;

/**
 * Holds a decoded image: 8-bit sRGB, interleaved. It shares its pixels with whoever made it and
 * whoever asks for them, since a copy of a photo is 36 MB; so nobody may change them afterwards.
 */
public final class RgbImage {
  private final int width;
  private final int height;
  private final byte[] pixels;

  /**
   * Takes pixels, which the caller no longer changes.
   *
   * @param width in pixels, at least 1
   * @param height in pixels, at least 1
   * @param pixels height * width * 3 bytes, row-major [height, width, RGB]; not copied
   * @throws IllegalArgumentException if the sizes do not agree
   */
  public RgbImage(int width, int height, byte[] pixels) {
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
    this.width = width;
    this.height = height;
    this.pixels = pixels;
  }

  /** Returns the width in pixels. */
  public int width() {
    return width;
  }

  /** Returns the height in pixels. */
  public int height() {
    return height;
  }

  /** Returns the pixels themselves, row-major [height, width, RGB]; do not change them. */
  public byte[] pixels() {
    return pixels;
  }
}
