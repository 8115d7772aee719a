package org.clip4j.image.internal.webp;

import java.util.Arrays;

/**
 * One channel of a VP8 frame in whole macroblocks, with the border that prediction sees: 127 above,
 * 129 to the left.
 */
final class Vp8Plane {

  final byte[] samples;
  final int stride;

  Vp8Plane(int width, int height) {
    stride = width + 1;
    samples = new byte[stride * (height + 1)];
    for (int y = 1; y <= height; y++) {
      samples[y * stride] = (byte) 129;
    }
    Arrays.fill(samples, 0, stride, (byte) 127);
  }

  /** Where a sample lies; -1 is the border. */
  int index(int x, int y) {
    return (y + 1) * stride + x + 1;
  }

  int get(int index) {
    return samples[index] & 0xFF;
  }

  void set(int index, int value) {
    samples[index] = (byte) Math.max(0, Math.min(255, value));
  }

  /** Adds the inverse transform of 16 coefficients to the 4 x 4 samples at an index. */
  void addTransformed(int[] c, int from, int at) {
    int[] t = new int[16];
    for (int i = 0; i < 4; i++) {
      int a = c[from + i] + c[from + 8 + i];
      int b = c[from + i] - c[from + 8 + i];
      int p = sine(c[from + 4 + i]) - cosine(c[from + 12 + i]);
      int q = cosine(c[from + 4 + i]) + sine(c[from + 12 + i]);
      t[i] = a + q;
      t[4 + i] = b + p;
      t[8 + i] = b - p;
      t[12 + i] = a - q;
    }
    for (int y = 0; y < 4; y++, at += stride) {
      int dc = t[4 * y] + 4;
      int a = dc + t[4 * y + 2];
      int b = dc - t[4 * y + 2];
      int p = sine(t[4 * y + 1]) - cosine(t[4 * y + 3]);
      int q = cosine(t[4 * y + 1]) + sine(t[4 * y + 3]);
      set(at, get(at) + (a + q >> 3));
      set(at + 1, get(at + 1) + (b + p >> 3));
      set(at + 2, get(at + 2) + (b - p >> 3));
      set(at + 3, get(at + 3) + (a - q >> 3));
    }
  }

  /** Adds a block that has only its first coefficient. */
  void addConstant(int dc, int at) {
    int v = dc + 4 >> 3;
    for (int y = 0; y < 4; y++, at += stride) {
      for (int x = 0; x < 4; x++) {
        set(at + x, get(at + x) + v);
      }
    }
  }

  /** The second-order transform: 16 coefficients to the first ones of 16 blocks. */
  static void spread(int[] c, int from, int[] blocks) {
    int[] t = new int[16];
    for (int i = 0; i < 4; i++) {
      int a = c[from + i] + c[from + 12 + i];
      int b = c[from + 4 + i] + c[from + 8 + i];
      int p = c[from + 4 + i] - c[from + 8 + i];
      int q = c[from + i] - c[from + 12 + i];
      t[i] = a + b;
      t[8 + i] = a - b;
      t[4 + i] = q + p;
      t[12 + i] = q - p;
    }
    for (int i = 0; i < 4; i++) {
      int dc = t[4 * i] + 3;
      int a = dc + t[4 * i + 3];
      int b = t[4 * i + 1] + t[4 * i + 2];
      int p = t[4 * i + 1] - t[4 * i + 2];
      int q = dc - t[4 * i + 3];
      blocks[64 * i] = a + b >> 3;
      blocks[64 * i + 16] = q + p >> 3;
      blocks[64 * i + 32] = a - b >> 3;
      blocks[64 * i + 48] = q - p >> 3;
    }
  }

  /** Times the square root of two and the cosine of an eighth of pi, in 16 bits. */
  private static int cosine(int v) {
    return (v * 20091 >> 16) + v;
  }

  /** Times the square root of two and its sine. */
  private static int sine(int v) {
    return v * 35468 >> 16;
  }
}
