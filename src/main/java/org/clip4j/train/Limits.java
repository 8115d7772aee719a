package org.clip4j.train;

/** Ranges of a training's settings. */
final class Limits {
  private Limits() {}

  static int atLeast(String name, int limit, int value) {
    return (int) atLeast(name, limit, (long) value);
  }

  static long atLeast(String name, long limit, long value) {
    if (value < limit) {
      throw new IllegalArgumentException(name + " must be at least " + limit + ", found " + value);
    }
    return value;
  }

  static double notNegative(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be a number of at least 0, found " + value);
    }
    return value;
  }
}
