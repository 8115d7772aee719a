package org.clip4j.image.internal.webp;

/** Smooths the edges of blocks once a frame is decoded (RFC 6386, section 15). */
final class Vp8LoopFilter {

  private Vp8LoopFilter() {}

  /**
   * How strongly a macroblock is filtered.
   *
   * @param limit of the difference across an edge, 0 for no filtering
   * @param interior limit of the differences between neighbours on either side
   * @param variance above which only the two samples at the edge change
   */
  record Strength(int limit, int interior, int variance) {

    static Strength of(int level, int sharpness) {
      int bounded = Math.max(0, Math.min(63, level));
      if (bounded == 0) {
        return new Strength(0, 0, 0);
      }
      int interior = bounded;
      if (sharpness > 0) {
        interior = Math.min(interior >> (sharpness > 4 ? 2 : 1), 9 - sharpness);
      }
      interior = Math.max(1, interior);
      return new Strength(
          2 * bounded + interior, interior, bounded >= 40 ? 2 : bounded >= 15 ? 1 : 0);
    }
  }

  /**
   * Filters one macroblock: its left edge, the edges inside from left to right, its upper edge, and
   * the edges inside from top to bottom.
   *
   * @param size 16 for luma, 8 for chroma
   * @param inner whether the edges of blocks inside are filtered
   */
  static void macroblock(
      Vp8Plane plane, int x, int y, int size, Strength strength, boolean inner, boolean simple) {
    int at = plane.index(x, y);
    int stride = plane.stride;
    if (x > 0) {
      edge(plane, at, 1, stride, size, strength, true, simple);
    }
    for (int i = 4; inner && i < size; i += 4) {
      edge(plane, at + i, 1, stride, size, strength, false, simple);
    }
    if (y > 0) {
      edge(plane, at, stride, 1, size, strength, true, simple);
    }
    for (int i = 4; inner && i < size; i += 4) {
      edge(plane, at + i * stride, stride, 1, size, strength, false, simple);
    }
  }

  private static void edge(
      Vp8Plane plane,
      int at,
      int across,
      int along,
      int size,
      Strength strength,
      boolean outer,
      boolean simple) {
    int limit = 2 * (outer ? strength.limit + 4 : strength.limit) + 1;
    for (int i = 0; i < size; i++, at += along) {
      int p1 = plane.get(at - 2 * across);
      int p0 = plane.get(at - across);
      int q0 = plane.get(at);
      int q1 = plane.get(at + across);
      if (4 * Math.abs(p0 - q0) + Math.abs(p1 - q1) > limit) {
        continue;
      }
      if (simple) {
        two(plane, at, across, p1, p0, q0, q1);
        continue;
      }
      int p3 = plane.get(at - 4 * across);
      int p2 = plane.get(at - 3 * across);
      int q2 = plane.get(at + 2 * across);
      int q3 = plane.get(at + 3 * across);
      int inside = strength.interior;
      if (Math.abs(p3 - p2) > inside
          || Math.abs(p2 - p1) > inside
          || Math.abs(p1 - p0) > inside
          || Math.abs(q1 - q0) > inside
          || Math.abs(q2 - q1) > inside
          || Math.abs(q3 - q2) > inside) {
        continue;
      }
      if (Math.abs(p1 - p0) > strength.variance || Math.abs(q1 - q0) > strength.variance) {
        two(plane, at, across, p1, p0, q0, q1);
      } else if (outer) {
        int a = signed(3 * (q0 - p0) + signed(p1 - q1));
        int a1 = 27 * a + 63 >> 7;
        int a2 = 18 * a + 63 >> 7;
        int a3 = 9 * a + 63 >> 7;
        plane.set(at - 3 * across, p2 + a3);
        plane.set(at - 2 * across, p1 + a2);
        plane.set(at - across, p0 + a1);
        plane.set(at, q0 - a1);
        plane.set(at + across, q1 - a2);
        plane.set(at + 2 * across, q2 - a3);
      } else {
        int a = 3 * (q0 - p0);
        int a1 = small(a + 4 >> 3);
        int a2 = small(a + 3 >> 3);
        int a3 = a1 + 1 >> 1;
        plane.set(at - 2 * across, p1 + a3);
        plane.set(at - across, p0 + a2);
        plane.set(at, q0 - a1);
        plane.set(at + across, q1 - a3);
      }
    }
  }

  /** Changes the two samples at the edge. */
  private static void two(Vp8Plane plane, int at, int across, int p1, int p0, int q0, int q1) {
    int a = 3 * (q0 - p0) + signed(p1 - q1);
    plane.set(at - across, p0 + small(a + 3 >> 3));
    plane.set(at, q0 - small(a + 4 >> 3));
  }

  private static int signed(int v) {
    return Math.max(-128, Math.min(127, v));
  }

  private static int small(int v) {
    return Math.max(-16, Math.min(15, v));
  }
}
