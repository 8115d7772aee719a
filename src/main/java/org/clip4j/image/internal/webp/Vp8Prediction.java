package org.clip4j.image.internal.webp;

/** Predictions of blocks from the samples above and to the left (RFC 6386, section 12). */
final class Vp8Prediction {

  static final int DC = 0;
  static final int TRUE_MOTION = 1;
  static final int VERTICAL = 2;
  static final int HORIZONTAL = 3;
  private static final int LEFT_DOWN = 4;
  private static final int RIGHT_DOWN = 5;
  private static final int VERTICAL_RIGHT = 6;
  private static final int VERTICAL_LEFT = 7;
  private static final int HORIZONTAL_DOWN = 8;

  private Vp8Prediction() {}

  /**
   * Fills a square block of a macroblock's plane.
   *
   * @param size 16 for luma, 8 for chroma
   */
  static void whole(Vp8Plane plane, int at, int size, int mode, boolean hasAbove, boolean hasLeft) {
    int stride = plane.stride;
    if (mode == TRUE_MOTION) {
      trueMotion(plane, at, size);
      return;
    }
    int dc = mode == DC ? mean(plane, at, size, hasAbove, hasLeft) : 0;
    for (int y = 0; y < size; y++) {
      int row = at + y * stride;
      for (int x = 0; x < size; x++) {
        int v =
            switch (mode) {
              case VERTICAL -> plane.get(at - stride + x);
              case HORIZONTAL -> plane.get(row - 1);
              default -> dc;
            };
        plane.samples[row + x] = (byte) v;
      }
    }
  }

  private static int mean(Vp8Plane plane, int at, int size, boolean hasAbove, boolean hasLeft) {
    if (!hasAbove && !hasLeft) {
      return 128;
    }
    int sum = 0;
    for (int i = 0; i < size; i++) {
      sum += hasAbove ? plane.get(at - plane.stride + i) : 0;
      sum += hasLeft ? plane.get(at + i * plane.stride - 1) : 0;
    }
    int count = hasAbove && hasLeft ? 2 * size : size;
    return (sum + count / 2) / count;
  }

  private static void trueMotion(Vp8Plane plane, int at, int size) {
    int above = at - plane.stride;
    int corner = plane.get(above - 1);
    for (int y = 0; y < size; y++) {
      int row = at + y * plane.stride;
      int left = plane.get(row - 1) - corner;
      for (int x = 0; x < size; x++) {
        plane.set(row + x, plane.get(above + x) + left);
      }
    }
  }

  /**
   * Fills a 4 x 4 block.
   *
   * @param e the samples around it, counter-clockwise end to clockwise end: 4 to the left from the
   *     bottom up, the corner, 4 above, 4 above to the right
   */
  static void block(Vp8Plane plane, int at, int mode, int[] e) {
    if (mode == TRUE_MOTION) {
      trueMotion(plane, at, 4);
      return;
    }
    int dc = 4;
    for (int i = 0; i < 4; i++) {
      dc += e[i] + e[5 + i];
    }
    for (int y = 0; y < 4; y++) {
      int row = at + y * plane.stride;
      for (int x = 0; x < 4; x++) {
        int v =
            switch (mode) {
              case DC -> dc >> 3;
              case VERTICAL -> smooth(e, 5 + x);
              case HORIZONTAL -> y == 3 ? e[1] + 3 * e[0] + 2 >> 2 : smooth(e, 3 - y);
              case LEFT_DOWN -> x + y == 6 ? e[11] + 3 * e[12] + 2 >> 2 : smooth(e, 6 + x + y);
              case RIGHT_DOWN -> smooth(e, 4 + x - y);
              case VERTICAL_RIGHT -> verticalRight(e, x, y);
              case VERTICAL_LEFT -> verticalLeft(e, x, y);
              case HORIZONTAL_DOWN -> horizontalDown(e, x, y);
              default -> horizontalUp(e, x, y);
            };
        plane.samples[row + x] = (byte) v;
      }
    }
  }

  private static int verticalRight(int[] e, int x, int y) {
    int along = 2 * x - y;
    if (along < -1) {
      return smooth(e, 5 + along);
    }
    if (along == -1) {
      return smooth(e, 4);
    }
    return (along & 1) == 0 ? middle(e, 4 + along / 2) : smooth(e, 5 + along / 2);
  }

  private static int verticalLeft(int[] e, int x, int y) {
    if (x == 3 && y >= 2) {
      return smooth(e, y == 2 ? 10 : 11);
    }
    int i = 5 + x + y / 2;
    return (y & 1) == 0 ? middle(e, i) : smooth(e, i + 1);
  }

  private static int horizontalDown(int[] e, int x, int y) {
    int along = 2 * y - x;
    if (along < -1) {
      return smooth(e, 3 - along);
    }
    if (along == -1) {
      return smooth(e, 4);
    }
    return (along & 1) == 0 ? middle(e, 3 - along / 2) : smooth(e, 3 - along / 2);
  }

  private static int horizontalUp(int[] e, int x, int y) {
    int along = x + 2 * y;
    if (along > 5) {
      return e[0];
    }
    if (along == 5) {
      return e[1] + 3 * e[0] + 2 >> 2;
    }
    int i = 3 - along / 2;
    return (along & 1) == 0 ? middle(e, i - 1) : smooth(e, i - 1);
  }

  /** The mean of a sample and the next. */
  private static int middle(int[] e, int i) {
    return e[i] + e[i + 1] + 1 >> 1;
  }

  /** The weighted mean of a sample and its two neighbours. */
  private static int smooth(int[] e, int i) {
    return e[i - 1] + 2 * e[i] + e[i + 1] + 2 >> 2;
  }
}
