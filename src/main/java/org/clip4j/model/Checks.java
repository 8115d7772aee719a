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

  static void patches(int imageHeight, int imageWidth, int patchSize, double patchDropout) {
    positive("vision_cfg.image_size", Math.min(imageHeight, imageWidth));
    if (!(patchDropout >= 0 && patchDropout < 1)) {
      throw bad("vision_cfg.patch_dropout", patchDropout, "must be at least 0 and below 1");
    }
    positive("vision_cfg.patch_size", patchSize);
    if (patchSize > Math.min(imageHeight, imageWidth)) {
      throw bad(
          "vision_cfg.patch_size",
          patchSize,
          "larger than the image, " + imageHeight + " x " + imageWidth);
    }
  }
}
