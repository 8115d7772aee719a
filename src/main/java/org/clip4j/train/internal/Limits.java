package org.clip4j.train.internal;

/** Checks the ranges of a training's settings. */
public final class Limits {
  private Limits() {}

  /** Checks a whole number and returns it. */
  public static int atLeast(String name, int limit, int value) {
    return (int) atLeast(name, limit, (long) value);
  }

  /** Checks a whole number and returns it. */
  public static long atLeast(String name, long limit, long value) {
    if (value < limit) {
      throw new IllegalArgumentException(name + " must be at least " + limit + ", found " + value);
    }
    return value;
  }

  /** Checks a finite number and returns it. */
  public static double notNegative(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be a number of at least 0, found " + value);
    }
    return value;
  }

  /** Checks a share of at least 0 and below 1 and returns it. */
  public static double share(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " must be at least 0 and below 1, found " + value);
    }
    return value;
  }
}
