package org.clip4j.image;

import java.util.Arrays;

/**
 * Changes of colour as Pillow's ImageEnhance and HSV conversion make them, of planar levels [3, H,
 * W] in place. Equal to torchvision's {@code adjust_brightness} and its kin for a Pillow image on
 * every value, which needs their single precision and their roundings.
 */
final class ColorAdjust {

  private ColorAdjust() {}

  /** Toward black for a factor below 1. */
  static void brightness(byte[] levels, float factor) {
    for (int i = 0; i < levels.length; i++) {
      levels[i] = blend(0, levels[i] & 0xFF, factor);
    }
  }

  /** Toward the gray of the mean luma. */
  static void contrast(byte[] levels, float factor) {
    int size = levels.length / 3;
    long sum = 0;
    for (int i = 0; i < size; i++) {
      sum += luma(levels, i, size);
    }
    int mean = (int) ((double) sum / size + 0.5);
    for (int i = 0; i < levels.length; i++) {
      levels[i] = blend(mean, levels[i] & 0xFF, factor);
    }
  }

  /** Toward each pixel's luma. */
  static void saturation(byte[] levels, float factor) {
    int size = levels.length / 3;
    for (int i = 0; i < size; i++) {
      int gray = luma(levels, i, size);
      for (int c = i; c < levels.length; c += size) {
        levels[c] = blend(gray, levels[c] & 0xFF, factor);
      }
    }
  }

  /** Each pixel's luma, as Pillow's {@code convert("L")} computes it, in all three channels. */
  static void grayscale(byte[] levels) {
    int size = levels.length / 3;
    for (int i = 0; i < size; i++) {
      levels[i] = (byte) luma(levels, i, size);
    }
    System.arraycopy(levels, 0, levels, size, size);
    System.arraycopy(levels, 0, levels, 2 * size, size);
  }

  /**
   * Turns the colour circle, in Pillow's 8-bit HSV.
   *
   * @param turn the part of a whole turn, from -0.5 to 0.5
   */
  static void hue(byte[] levels, double turn) {
    int shift = (int) (turn * 255);
    int size = levels.length / 3;
    int[] rgb = new int[3];
    for (int i = 0; i < size; i++) {
      for (int c = 0; c < 3; c++) {
        rgb[c] = levels[c * size + i] & 0xFF;
      }
      turn(rgb, shift);
      for (int c = 0; c < 3; c++) {
        levels[c * size + i] = (byte) rgb[c];
      }
    }
  }

  private static void turn(int[] rgb, int shift) {
    int red = rgb[0];
    int green = rgb[1];
    int blue = rgb[2];
    int max = Math.max(red, Math.max(green, blue));
    int min = Math.min(red, Math.min(green, blue));
    if (max == min) {
      return; // gray has no hue
    }
    // 1. To HSV, partly in double precision, as C's promotions have it.
    float range = max - min;
    float toRed = (max - red) / range;
    float toGreen = (max - green) / range;
    float toBlue = (max - blue) / range;
    float sixths;
    if (red == max) {
      sixths = toBlue - toGreen;
    } else if (green == max) {
      sixths = (float) (2.0 + toRed - toBlue);
    } else {
      sixths = (float) (4.0 + toGreen - toRed);
    }
    float circle = (float) ((sixths / 6.0 + 1.0) % 1.0);
    int hue = (int) (circle * 255.0) + shift & 0xFF;
    int saturation = (int) (range / max * 255.0);
    // 2. Back, all in single precision: 16 of the 16.7 million colours tell the difference.
    if (saturation == 0) {
      Arrays.fill(rgb, max);
      return;
    }
    float position = (float) (hue * 6.0 / 255.0);
    int sector = (int) Math.floor(position);
    float within = position - sector;
    float full = (float) (saturation / 255.0);
    int low = round(max * (1 - full));
    int falling = round(max * (1 - full * within));
    int rising = round(max * (1 - full * (1 - within)));
    switch (sector % 6) {
      case 0 -> set(rgb, max, rising, low);
      case 1 -> set(rgb, falling, max, low);
      case 2 -> set(rgb, low, max, rising);
      case 3 -> set(rgb, low, falling, max);
      case 4 -> set(rgb, rising, low, max);
      default -> set(rgb, max, low, falling);
    }
  }

  private static int round(float level) {
    return Math.max(0, Math.min(255, (int) Math.floor(level + 0.5)));
  }

  private static void set(int[] rgb, int red, int green, int blue) {
    rgb[0] = red;
    rgb[1] = green;
    rgb[2] = blue;
  }

  private static int luma(byte[] levels, int i, int size) {
    return 19595 * (levels[i] & 0xFF)
            + 38470 * (levels[size + i] & 0xFF)
            + 7471 * (levels[2 * size + i] & 0xFF)
            + 0x8000
        >> 16;
  }

  private static byte blend(int from, int to, float factor) {
    float level = from + factor * (to - from);
    return (byte) (level <= 0 ? 0 : level >= 255 ? 255 : (int) level);
  }
}
