package org.clip4j.image.internal.webp;

/**
 * A transform that a VP8L encoder applied, to be undone.
 *
 * @param kind one of the constants
 * @param width of the picture before it
 * @param codedWidth of the picture after it
 * @param bits log2 of the block size, or of the pixels packed into one
 * @param data per block, or the palette
 */
record Vp8lTransform(int kind, int width, int codedWidth, int bits, int[] data) {

  static final int PREDICTION = 0;
  static final int COLOR = 1;
  static final int GREEN = 2;
  static final int PALETTE = 3;

  private static final int BLACK = 0xFF000000;

  /** The picture before the transform. Works in place where it can. */
  int[] undo(int[] argb, int height) {
    switch (kind) {
      case PREDICTION -> undoPrediction(argb, height);
      case COLOR -> undoColor(argb, height);
      case GREEN -> {
        for (int i = 0; i < argb.length; i++) {
          int green = argb[i] >> 8 & 0xFF;
          argb[i] = add(argb[i], green << 16 | green);
        }
      }
      default -> {
        return undoPalette(argb, height);
      }
    }
    return argb;
  }

  /** Adds channel by channel, modulo 256. */
  static int add(int a, int b) {
    int odd = (a & 0xFF00FF00) + (b & 0xFF00FF00);
    int even = (a & 0x00FF00FF) + (b & 0x00FF00FF);
    return odd & 0xFF00FF00 | even & 0x00FF00FF;
  }

  private void undoPrediction(int[] argb, int height) {
    argb[0] = add(argb[0], BLACK);
    for (int x = 1; x < width; x++) {
      argb[x] = add(argb[x], argb[x - 1]);
    }
    int blocks = width + (1 << bits) - 1 >> bits;
    for (int y = 1; y < height; y++) {
      int row = y * width;
      argb[row] = add(argb[row], argb[row - width]);
      for (int x = 1; x < width; x++) {
        int mode = data[(y >> bits) * blocks + (x >> bits)] >> 8 & 0xF;
        argb[row + x] = add(argb[row + x], predict(argb, row + x, mode));
      }
    }
  }

  /** At the end of a row, what is above to the right is the first pixel of this row. */
  private int predict(int[] argb, int at, int mode) {
    int left = argb[at - 1];
    int above = argb[at - width];
    int aboveRight = argb[at - width + 1];
    int aboveLeft = argb[at - width - 1];
    return switch (mode) {
      case 1 -> left;
      case 2 -> above;
      case 3 -> aboveRight;
      case 4 -> aboveLeft;
      case 5 -> mean(mean(left, aboveRight), above);
      case 6 -> mean(left, aboveLeft);
      case 7 -> mean(left, above);
      case 8 -> mean(aboveLeft, above);
      case 9 -> mean(above, aboveRight);
      case 10 -> mean(mean(left, aboveLeft), mean(above, aboveRight));
      case 11 -> distance(above, aboveLeft) < distance(left, aboveLeft) ? left : above;
      case 12 -> gradient(left, above, aboveLeft);
      case 13 -> halfGradient(mean(left, above), aboveLeft);
      default -> BLACK;
    };
  }

  /** Channel by channel, rounded down. */
  private static int mean(int a, int b) {
    return ((a ^ b) >>> 1 & 0x7F7F7F7F) + (a & b);
  }

  private static int distance(int a, int b) {
    int sum = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      sum += Math.abs((a >>> shift & 0xFF) - (b >>> shift & 0xFF));
    }
    return sum;
  }

  private static int gradient(int left, int above, int corner) {
    int argb = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      int v = (left >>> shift & 0xFF) + (above >>> shift & 0xFF) - (corner >>> shift & 0xFF);
      argb |= Math.max(0, Math.min(255, v)) << shift;
    }
    return argb;
  }

  private static int halfGradient(int mean, int corner) {
    int argb = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      int m = mean >>> shift & 0xFF;
      int v = m + (m - (corner >>> shift & 0xFF)) / 2;
      argb |= Math.max(0, Math.min(255, v)) << shift;
    }
    return argb;
  }

  private void undoColor(int[] argb, int height) {
    int blocks = width + (1 << bits) - 1 >> bits;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int factors = data[(y >> bits) * blocks + (x >> bits)];
        int pixel = argb[y * width + x];
        byte green = (byte) (pixel >> 8);
        int red = (pixel >> 16) + share((byte) factors, green) & 0xFF;
        int blue =
            pixel + share((byte) (factors >> 8), green) + share((byte) (factors >> 16), (byte) red);
        argb[y * width + x] = pixel & 0xFF00FF00 | red << 16 | blue & 0xFF;
      }
    }
  }

  private static int share(byte factor, byte color) {
    return factor * color >> 5;
  }

  private int[] undoPalette(int[] packed, int height) {
    int[] argb = new int[width * height];
    int pixelBits = 8 >> bits;
    int mask = (1 << pixelBits) - 1;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int green = packed[y * codedWidth + (x >> bits)] >> 8 & 0xFF;
        int index = green >> (x & (1 << bits) - 1) * pixelBits & mask;
        argb[y * width + x] = index < data.length ? data[index] : 0;
      }
    }
    return argb;
  }
}
