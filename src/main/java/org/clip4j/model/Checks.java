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

  static void token(String key, int id, int vocabSize) {
    if (id < 0 || id >= vocabSize) {
      throw bad(key, id, "not an id of vocab_size " + vocabSize);
    }
  }

  static void divides(String key, int value, String what, int whole) {
    positive(key, value);
    if (whole % value != 0) {
      throw bad(key, value, "must divide " + what + ", " + whole);
    }
  }

  /** Checks that each head has a pair of channels for each dimension of an image. */
  static void rotary(String key, int heads, int width) {
    if (width / heads % 4 != 0) {
      throw bad(
          key,
          heads,
          "leaves heads of width " + width / heads + ", and rotary positions need a multiple of 4");
    }
  }

  private static void mlp(String key, double mlpRatio, int width) {
    positive(key, mlpRatio);
    if ((int) (width * mlpRatio) < 1) {
      throw bad(key, mlpRatio, "leaves no hidden unit at width " + width);
    }
  }

  /** Checks what the blocks of a tower share; {@code tower} is the object of its keys. */
  static void blocks(String tower, int width, int layers, double mlpRatio, double normEpsilon) {
    positive(tower + ".width", width);
    positive(tower + ".layers", layers);
    positive(tower + ".norm_kwargs.eps", normEpsilon);
    mlp(tower + ".mlp_ratio", mlpRatio, width);
  }
}
