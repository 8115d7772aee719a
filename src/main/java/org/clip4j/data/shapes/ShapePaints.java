package org.clip4j.data.shapes;

import org.clip4j.data.shapes.ShapeCanvas.Paint;
import org.clip4j.io.SeededRandom;

/** Patterns of the shifted styles of shapes. */
final class ShapePaints {
  private static final int FINE = 4; // samples a pixel and axis, for smooth edges

  private ShapePaints() {}

  /** Which of two colours a point has, in pixels. */
  private interface Pattern {
    boolean isSecond(double x, double y);
  }

  private static Paint paint(int[] first, int[] second, Pattern pattern) {
    return (x, y, channel) -> {
      int count = 0;
      for (int i = 0; i < FINE * FINE; i++) {
        double fineX = x + (i % FINE + 0.5) / FINE;
        double fineY = y + (i / FINE + 0.5) / FINE;
        count += pattern.isSecond(fineX, fineY) ? 1 : 0;
      }
      double share = (double) count / (FINE * FINE);
      return first[channel] + share * (second[channel] - first[channel]);
    };
  }

  /** Squares of two strong colours, neither near the object's. */
  static Paint checkers(int side, int[] object, SeededRandom random) {
    double square = ShapeRecipe.CHECKER * side;
    double offset = random.between(0, square);
    int[] first = strong(object, random);
    int[] second = strong(object, random);
    return paint(
        first,
        second,
        (x, y) ->
            ((int) StrictMath.floor((x + offset) / square)
                        + (int) StrictMath.floor((y + offset) / square))
                    % 2
                == 0);
  }

  /** Ends since most colours are strong, and few are near any one. */
  private static int[] strong(int[] object, SeededRandom random) {
    while (true) {
      int[] rgb = {random.nextInt(256), random.nextInt(256), random.nextInt(256)};
      int least = Math.min(rgb[0], Math.min(rgb[1], rgb[2]));
      int most = Math.max(rgb[0], Math.max(rgb[1], rgb[2]));
      if (least <= ShapeRecipe.CHECKER_DARKEST_CHANNEL
          && most - least >= ShapeRecipe.CHECKER_SPREAD
          && ShapeScene.distance(rgb, object) >= ShapeRecipe.MIN_CONTRAST) {
        return rgb;
      }
    }
  }

  /** The object's colour, and every other stripe of it darker, or lighter where it is dark. */
  static Paint stripes(int side, int[] object, SeededRandom random) {
    double angle = random.between(0, StrictMath.PI);
    double cos = StrictMath.cos(angle) / (ShapeRecipe.STRIPE * side);
    double sin = StrictMath.sin(angle) / (ShapeRecipe.STRIPE * side);
    int towards = Math.max(object[0], Math.max(object[1], object[2])) < 100 ? 255 : 0;
    int[] other = new int[3];
    for (int c = 0; c < 3; c++) {
      other[c] = (int) (object[c] + ShapeRecipe.STRIPE_SHARE * (towards - object[c]));
    }
    return paint(object, other, (x, y) -> ((long) StrictMath.floor(x * cos + y * sin) & 1) == 0);
  }
}
