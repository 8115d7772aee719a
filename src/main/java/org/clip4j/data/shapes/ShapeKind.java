package org.clip4j.data.shapes;

/** Outlines of the shapes, about the origin, y downwards, within a radius of about 1.1. */
enum ShapeKind {
  CIRCLE(arc(0, 0, 0.95, 0, 2)),
  SQUARE(-0.8, -0.8, 0.8, -0.8, 0.8, 0.8, -0.8, 0.8),
  TRIANGLE(0, -1, 1.05, 0.8, -1.05, 0.8),
  STAR(star(5, 1.1, 0.45)),
  HEART(heart()),
  CROSS(cross(0.95, 0.3)),
  RING(arc(0, 0, 1, 0, 2), arc(0, 0, 0.52, 0, 2)),
  CRESCENT(crescent());

  /** Closed polygons [x0, y0, x1, y1, ...]; what an even number of them encloses is outside. */
  final double[][] outlines;

  ShapeKind(double... outline) {
    this.outlines = new double[][] {outline};
  }

  ShapeKind(double[] outline, double[] hole) {
    this.outlines = new double[][] {outline, hole};
  }

  /** As in captions: "circle". */
  String word() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  // StrictMath, so that every machine draws the same pixels.

  /** Points of a circle from one angle to another, both in half turns. */
  private static double[] arc(double x, double y, double radius, double from, double to) {
    int points = 48;
    double[] outline = new double[2 * points];
    for (int i = 0; i < points; i++) {
      double angle = StrictMath.PI * (from + (to - from) * i / (points - 1));
      outline[2 * i] = x + radius * StrictMath.cos(angle);
      outline[2 * i + 1] = y + radius * StrictMath.sin(angle);
    }
    return outline;
  }

  private static double[] star(int tips, double outer, double inner) {
    double[] outline = new double[4 * tips];
    for (int i = 0; i < 2 * tips; i++) {
      double radius = i % 2 == 0 ? outer : inner;
      double angle = StrictMath.PI * (i / (double) tips - 0.5);
      outline[2 * i] = radius * StrictMath.cos(angle);
      outline[2 * i + 1] = radius * StrictMath.sin(angle);
    }
    return outline;
  }

  /** The curve x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, centred. */
  private static double[] heart() {
    int points = 64;
    double[] outline = new double[2 * points];
    for (int i = 0; i < points; i++) {
      double t = 2 * StrictMath.PI * i / points;
      double sin = StrictMath.sin(t);
      double y =
          13 * StrictMath.cos(t)
              - 5 * StrictMath.cos(2 * t)
              - 2 * StrictMath.cos(3 * t)
              - StrictMath.cos(4 * t);
      outline[2 * i] = sin * sin * sin;
      outline[2 * i + 1] = -(y + 2.5) / 16;
    }
    return outline;
  }

  private static double[] cross(double reach, double half) {
    return new double[] {
      -half, -reach, half, -reach, half, -half, reach, -half, reach, half, half, half,
      half, reach, -half, reach, -half, half, -reach, half, -reach, -half, -half, -half
    };
  }

  /** A disc less a smaller disc to its right; they cross at the angles below. */
  private static double[] crescent() {
    double radius = 0.8;
    double distance = 0.45;
    double x = (distance * distance + 1 - radius * radius) / (2 * distance);
    double y = StrictMath.sqrt(1 - x * x);
    double outer = StrictMath.atan2(y, x) / StrictMath.PI;
    double inner = StrictMath.atan2(y, x - distance) / StrictMath.PI;
    double centre = 0.19; // moves the middle of its width to the origin
    double[] back = arc(centre, 0, 1, outer, 2 - outer);
    double[] front = arc(centre + distance, 0, radius, 2 - inner, inner);
    double[] outline = java.util.Arrays.copyOf(back, back.length + front.length);
    System.arraycopy(front, 0, outline, back.length, front.length);
    return outline;
  }
}
