package org.clip4j.image;

/**
 * The eight ways in which EXIF and TIFF let an image lie, by the value of their tag 274. A value
 * that is no orientation, and metadata that cannot be read, mean upright, as in Pillow.
 */
enum Orientation {
  UPRIGHT,
  FLIPPED_LEFT_RIGHT,
  TURNED_180,
  FLIPPED_TOP_BOTTOM,
  TRANSPOSED,
  TURNED_LEFT,
  TRANSVERSED,
  TURNED_RIGHT;

  /** Rows and columns copied at once when they change places, so that both stay in the cache. */
  private static final int TILE = 32;

  /** By the value of tag 274. */
  static Orientation of(double value) {
    int number = (int) value;
    return number == value && number >= 1 && number <= 8 ? values()[number - 1] : UPRIGHT;
  }

  /** Turns an image that lies in this way upright; upright ones are returned as they are. */
  RgbImage apply(RgbImage image) {
    int width = image.width();
    int height = image.height();
    int last = width * height - 1;
    // The pixel at (x, y) of the result is that at first + x * across + y * down.
    return switch (this) {
      case UPRIGHT -> image;
      case FLIPPED_LEFT_RIGHT -> turned(image, width, height, width - 1, -1, width);
      case TURNED_180 -> turned(image, width, height, last, -1, -width);
      case FLIPPED_TOP_BOTTOM -> turned(image, width, height, last + 1 - width, 1, -width);
      case TRANSPOSED -> turned(image, height, width, 0, width, 1);
      case TURNED_LEFT -> turned(image, height, width, last + 1 - width, -width, 1);
      case TRANSVERSED -> turned(image, height, width, last, -width, -1);
      case TURNED_RIGHT -> turned(image, height, width, width - 1, width, -1);
    };
  }

  private static RgbImage turned(
      RgbImage image, int width, int height, int first, int across, int down) {
    byte[] from = image.pixels();
    byte[] to = new byte[from.length];
    for (int top = 0; top < height; top += TILE) {
      for (int left = 0; left < width; left += TILE) {
        int right = Math.min(width, left + TILE);
        for (int y = top; y < Math.min(height, top + TILE); y++) {
          int i = (first + left * across + y * down) * 3;
          int o = (y * width + left) * 3;
          for (int x = left; x < right; x++, i += 3 * across, o += 3) {
            to[o] = from[i];
            to[o + 1] = from[i + 1];
            to[o + 2] = from[i + 2];
          }
        }
      }
    }
    return new RgbImage(width, height, to);
  }
}
