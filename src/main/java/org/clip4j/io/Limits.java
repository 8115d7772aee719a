package org.clip4j.io;

/** Checks the ranges of settings, and returns what it checked. */
public final class Limits {
  private Limits() {}

  /** Checks a whole number. */
  public static int atLeast(String name, int limit, int value) {
    return (int) atLeast(name, limit, (long) value);
  }

  /** Checks a whole number. */
  public static long atLeast(String name, long limit, long value) {
    require(value >= limit, name, "at least " + limit, value);
    return value;
  }

  /** Checks a finite number. */
  public static double notNegative(String name, double value) {
    require(value >= 0 && value < Double.POSITIVE_INFINITY, name, "a number of at least 0", value);
    return value;
  }

  /** Checks a finite number. */
  public static double aboveZero(String name, double value) {
    require(value > 0 && value < Double.POSITIVE_INFINITY, name, "above 0 and finite", value);
    return value;
  }

  /** Checks a number above 0. */
  public static double aboveZero(String name, int most, double value) {
    require(value > 0 && value <= most, name, "above 0 and at most " + most, value);
    return value;
  }

  /** Checks a share of at least 0 and below 1. */
  public static double share(String name, double value) {
    require(value >= 0 && value < 1, name, "at least 0 and below 1", value);
    return value;
  }

  /** Checks a share above 0 and below 1. */
  public static double fraction(String name, double value) {
    require(value > 0 && value < 1, name, "between 0 and 1, both excluded", value);
    return value;
  }

  /** Checks a number with both limits allowed. */
  public static double within(String name, int least, int most, double value) {
    require(value >= least && value <= most, name, "from " + least + " to " + most, value);
    return value;
  }

  /** Checks a whole number with both limits allowed. */
  public static int within(String name, int least, int most, int value) {
    require(value >= least && value <= most, name, "from " + least + " to " + most, value);
    return value;
  }

  private static void require(boolean fits, String name, String range, Object value) {
    if (!fits) {
      throw new IllegalArgumentException(name + " must be " + range + ", found " + value);
    }
  }
}
