package org.clip4j.engine;

/**
 * Describes the 256 levels to which the inputs of a linear map are rounded, where its weights are
 * 8-bit integers: value = scale (level - zeroPoint), level from 0 to 255.
 *
 * @param scale the distance of two levels, finite and above 0
 * @param zeroPoint the level of 0, from 0 to 255
 */
public record InputLevels(float scale, int zeroPoint) {
  /** The highest level. */
  public static final int HIGHEST = 255;

  /** Checks that the scale is finite and above 0, and the level of 0 from 0 to 255. */
  public InputLevels {
    if (!(scale > 0) || !Float.isFinite(scale)) {
      throw new IllegalArgumentException("a scale is finite and above 0, found " + scale);
    }
    if (zeroPoint < 0 || zeroPoint > HIGHEST) {
      throw new IllegalArgumentException("a zero point is from 0 to 255, found " + zeroPoint);
    }
  }

  /** Gives the levels of a range, which is widened to hold 0. */
  public static InputLevels of(double lowest, double highest) {
    double low = Math.min(lowest, 0);
    double high = Math.max(highest, 0);
    double scale = Math.max((high - low) / HIGHEST, Float.MIN_NORMAL);
    return new InputLevels((float) scale, (int) Math.min(HIGHEST, Math.round(-low / scale)));
  }
}
