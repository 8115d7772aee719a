package org.clip4j.eval;

import java.util.Locale;

/**
 * Holds a measured value and the 95 % interval around it that its bootstrap gives.
 *
 * @param low 2.5 % of the resampled values are below
 * @param high 2.5 % of the resampled values are above
 */
public record Interval(double value, double low, double high) {
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.4f [%.4f, %.4f]", value, low, high);
  }
}
