package org.clip4j.model;

/** What configurations refuse, in the form of OpenCLIP's keys. */
final class Checks {
  private Checks() {}

  static IllegalArgumentException bad(String key, Object value, String what) {
    return new IllegalArgumentException(key + " is " + value + ": " + what);
  }

  static void positive(String key, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw bad(key, value, "must be above 0");
    }
  }

  static void divides(String key, int value, String what, int whole) {
    positive(key, value);
    if (whole % value != 0) {
      throw bad(key, value, "must divide " + what + ", " + whole);
    }
  }

  static void mlp(String key, double mlpRatio, int width) {
    positive(key, mlpRatio);
    if ((int) (width * mlpRatio) < 1) {
      throw bad(key, mlpRatio, "leaves no hidden unit at width " + width);
    }
  }
}
