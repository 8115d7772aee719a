package org.clip4j.model;

import ai.djl.ndarray.types.Shape;

/** Says what the inputs of a model's towers have to be like. */
final class TowerInputs {
  private TowerInputs() {}

  /** Checks the shape of pixels, or of a NaFlex tower's patches. */
  static void checkPixels(VisionConfig vision, Shape found) {
    if (vision instanceof SigLipConfig tower && tower.naFlex()) {
      long values = 3L * tower.patchSize() * tower.patchSize();
      if (found.dimension() != 3 || found.get(1) < 2 || found.get(2) != values) {
        throw new IllegalArgumentException(
            "the image encoder takes patches of shape [N, M + 1, " + values + "], found " + found);
      }
      return;
    }
    Shape expected = new Shape(3, vision.imageHeight(), vision.imageWidth());
    if (found.dimension() != 4 || !found.slice(1).equals(expected)) {
      throw new IllegalArgumentException(
          "the image encoder takes pixels of shape [N, 3, "
              + expected.get(1)
              + ", "
              + expected.get(2)
              + "], found "
              + found);
    }
  }

  /** Checks the shape of token ids. */
  static void checkIds(TextConfig text, Shape found) {
    int context = text.contextLength();
    boolean cuts = text.cutsPadding();
    if (found.dimension() != 2 || found.get(1) > context || !cuts && found.get(1) < context) {
      throw new IllegalArgumentException(
          "the text encoder takes token ids of shape [N, L] with L "
              + (cuts ? "at most " : "padded to ")
              + context
              + ", found "
              + found);
    }
  }
}
