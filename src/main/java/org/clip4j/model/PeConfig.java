package org.clip4j.model;

/**
 * Describes the image tower of a Perception Encoder (Bolya et al. 2025, "Perception Encoder: The
 * best visual embeddings are not at the output of the network").
 *
 * @param shape what all transformers over patches have
 * @param classToken whether a token precedes the patches
 * @param rotaryGrid rows and columns of patches of an image that it was trained on, to which rotary
 *     positions are stretched
 */
public record PeConfig(VisionShape shape, boolean classToken, int rotaryGrid)
    implements VisionTransformerConfig {

  /** The heads of the attention that pools. */
  static final int POOLING_HEADS = 8;

  /** The hidden width over D of the MLP after it. */
  static final int POOLING_MLP_RATIO = 4;

  /** Checks the shape. */
  public PeConfig {
    shape.requireExactGelu("a Perception Encoder has exact GELU");
    Checks.rotary("vision_cfg.heads", shape.heads(), shape.width());
    Checks.positive("vision_cfg rotary grid", rotaryGrid);
    if (shape.width() % POOLING_HEADS != 0) {
      throw Checks.bad(
          "vision_cfg.width",
          shape.width(),
          "must be a multiple of the " + POOLING_HEADS + " pooling heads");
    }
  }

  /** Makes a tower that was trained on images of the shape's size. */
  public PeConfig(VisionShape shape, boolean classToken) {
    this(shape, classToken, shape.imageHeight() / shape.patchSize());
  }

  @Override
  public PeConfig withShape(VisionShape other) {
    return new PeConfig(other, classToken, rotaryGrid);
  }

  @Override
  public String family() {
    return "Perception Encoder";
  }
}
