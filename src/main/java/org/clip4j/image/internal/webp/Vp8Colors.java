package org.clip4j.image.internal.webp;

import org.clip4j.image.internal.Pixels;

/** Luma and chroma of a VP8 frame to RGB, as libwebp does it by default. */
final class Vp8Colors {

  private Vp8Colors() {}

  /** Chroma is interpolated with weights 9, 3, 3 and 1, its outermost samples repeated. */
  static Pixels toRgb(Vp8Plane luma, Vp8Plane u, Vp8Plane v, int width, int height) {
    byte[] rgb = new byte[width * height * 3];
    int columns = (width + 1) / 2;
    int rows = (height + 1) / 2;
    // Three parts of the nearer row and one of the other, one column more at each end.
    int[] mixedU = new int[columns + 2];
    int[] mixedV = new int[columns + 2];
    int o = 0;
    for (int y = 0; y < height; y++) {
      int near = y / 2;
      int far = Math.max(0, Math.min(rows - 1, (y & 1) == 0 ? near - 1 : near + 1));
      mix(u, near, far, columns, mixedU);
      mix(v, near, far, columns, mixedV);
      int row = luma.index(0, y);
      for (int x = 0; x < width; x++, o += 3) {
        int i = 1 + x / 2;
        int side = (x & 1) == 0 ? i - 1 : i + 1;
        int cu = 3 * mixedU[i] + mixedU[side] + 8 >> 4;
        int cv = 3 * mixedV[i] + mixedV[side] + 8 >> 4;
        int light = luma.get(row + x) * 19077 >> 8;
        rgb[o] = level(light + (cv * 26149 >> 8) - 14234);
        rgb[o + 1] = level(light - (cu * 6419 >> 8) - (cv * 13320 >> 8) + 8708);
        rgb[o + 2] = level(light + (cu * 33050 >> 8) - 17685);
      }
    }
    return new Pixels(width, height, rgb);
  }

  private static void mix(Vp8Plane plane, int near, int far, int columns, int[] out) {
    int a = plane.index(0, near);
    int b = plane.index(0, far);
    for (int x = 0; x < columns; x++) {
      out[x + 1] = 3 * plane.get(a + x) + plane.get(b + x);
    }
    out[0] = out[1];
    out[columns + 1] = out[columns];
  }

  /** Six bits of fraction to a byte. */
  private static byte level(int v) {
    return (byte) Math.max(0, Math.min(255, v >> 6));
  }
}
