package org.clip4j.image;

import java.nio.charset.StandardCharsets;

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

  private static final int TAG = 274;
  private static final int SHORT = 3;
  private static final int LONG = 4;
  private static final int WEBP_HAS_EXIF = 8;

  /** Rows and columns copied at once when they change places, so that both stay in the cache. */
  private static final int TILE = 32;

  /** What an image that decodes says about how it lies. */
  static Orientation of(ImageFormat format, byte[] data) {
    int value =
        switch (format) {
          case JPEG -> ofJpeg(data);
          case PNG -> ofPng(data);
          case WEBP -> ofWebp(data);
          case TIFF -> ofTiff(data, 0, data.length);
          case GIF, BMP -> 1;
        };
    return value >= 1 && value <= 8 ? values()[value - 1] : UPRIGHT;
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

  /** EXIF is the first application segment of its name, before the first scan. */
  private static int ofJpeg(byte[] data) {
    int at = 2;
    while (at + 4 <= data.length) {
      int marker = data[at + 1] & 0xFF;
      if (data[at] != (byte) 0xFF || marker == 0xFF) {
        at++; // stray and fill bytes
      } else if (marker == 0 || marker == 1 || marker >= 0xD0 && marker <= 0xD8) {
        at += 2; // without a body
      } else {
        int end = at + 2 + ((data[at + 2] & 0xFF) << 8 | data[at + 3] & 0xFF);
        if (marker == 0xDA || end > data.length) {
          return 1;
        }
        if (marker == 0xE1 && hasExifName(data, at + 4, end)) {
          return ofTiff(data, at + 10, end);
        }
        at = Math.max(at + 2, end);
      }
    }
    return 1;
  }

  private static int ofPng(byte[] data) {
    int at = 8;
    while (at + 12 <= data.length) {
      int length = int32(data, at, true);
      if (length < 0 || length > data.length - at - 12) {
        return 1;
      }
      if (isNamed(data, at + 4, "eXIf")) {
        return ofExif(data, at + 8, at + 8 + length);
      }
      at += 12 + length;
    }
    return 1;
  }

  /** The EXIF chunk counts only if the file's header announces it, as in libwebp. */
  private static int ofWebp(byte[] data) {
    int at = 12;
    boolean announced = false;
    while (at + 8 <= data.length) {
      int length = int32(data, at + 4, false);
      if (length < 0 || length > data.length - at - 8) {
        return 1;
      }
      if (isNamed(data, at, "VP8X") && length > 0) {
        announced = (data[at + 8] & WEBP_HAS_EXIF) != 0;
      } else if (isNamed(data, at, "EXIF")) {
        return announced ? ofExif(data, at + 8, at + 8 + length) : 1;
      }
      at += 8 + length + (length & 1);
    }
    return 1;
  }

  /** EXIF data that may begin with their name, as they do in JPEG. */
  private static int ofExif(byte[] data, int from, int end) {
    return ofTiff(data, hasExifName(data, from, end) ? from + 6 : from, end);
  }

  private static boolean hasExifName(byte[] data, int from, int end) {
    return end - from >= 6 && isNamed(data, from, "Exif\0\0");
  }

  /** Looks through the first directory only, so that no offset is followed twice. */
  private static int ofTiff(byte[] data, int from, int end) {
    if (end - from < 8) {
      return 1;
    }
    boolean bigEndian = data[from] == 'M';
    if (!isNamed(data, from, bigEndian ? "MM\0*" : "II*\0")) {
      return 1;
    }
    long directory = from + (int32(data, from + 4, bigEndian) & 0xFFFFFFFFL);
    if (directory + 2 > end) {
      return 1;
    }
    int at = (int) directory + 2;
    int entries = int16(data, at - 2, bigEndian);
    for (int i = 0; i < entries && at + 12 <= end; i++, at += 12) {
      if (int16(data, at, bigEndian) == TAG) {
        int type = int16(data, at + 2, bigEndian);
        int count = int32(data, at + 4, bigEndian);
        if (count != 1) {
          return 1;
        }
        return type == SHORT
            ? int16(data, at + 8, bigEndian)
            : type == LONG ? int32(data, at + 8, bigEndian) : 1;
      }
    }
    return 1;
  }

  private static boolean isNamed(byte[] data, int at, String name) {
    return at + name.length() <= data.length
        && name.equals(new String(data, at, name.length(), StandardCharsets.ISO_8859_1));
  }

  private static int int16(byte[] data, int at, boolean bigEndian) {
    int first = data[at] & 0xFF;
    int second = data[at + 1] & 0xFF;
    return bigEndian ? first << 8 | second : second << 8 | first;
  }

  private static int int32(byte[] data, int at, boolean bigEndian) {
    int first = int16(data, at, bigEndian);
    int second = int16(data, at + 2, bigEndian);
    return bigEndian ? first << 16 | second : second << 16 | first;
  }
}
