package org.clip4j.model;

/**
 * Describes the image tower of a ViTamin (Chen et al. 2024, "ViTamin: Designing Scalable Vision
 * Models in the Vision-Language Era") as timm has it: two stages of convolutions, and a transformer
 * over their grid.
 *
 * @param shape of the transformer, whose patches are the 16 pixels in each direction that a
 *     position of the grid stands for; each of the MLP's first two maps has its hidden width
 * @param stemWidth channels of the stem and of the first stage; the second has twice as many
 * @param positions whether there are positional embeddings; without them it takes images of any
 *     size
 */
public record ViTaminConfig(VisionShape shape, int stemWidth, boolean positions)
    implements VisionTransformerConfig {

  /** Pixels that a position of the transformer's grid stands for: four halvings. */
  private static final int STRIDE = 16;

  /** Checks the shape. */
  public ViTaminConfig {
    shape.requireExactGelu("a ViTamin has exact GELU");
    if (shape.patchSize() != STRIDE) {
      throw Checks.bad(
          "vision_cfg.patch_size",
          shape.patchSize(),
          "a ViTamin's convolutions make one of 16 pixels");
    }
    if (shape.imageHeight() % STRIDE != 0 || shape.imageWidth() % STRIDE != 0) {
      throw Checks.bad(
          "vision_cfg.image_size",
          shape.imageHeight() + " x " + shape.imageWidth(),
          "a ViTamin takes images whose height and width are multiples of " + STRIDE);
    }
    Checks.positive("vision_cfg.stem_width", stemWidth);
  }

  @Override
  public ViTaminConfig withShape(VisionShape other) {
    return new ViTaminConfig(other, stemWidth, positions);
  }

  /** Returns about as many as a bottleneck of the first stage has. */
  @Override
  public long valuesOfImage(int patches) {
    return (long) imageHeight() * imageWidth() * stemWidth / 2;
  }

  @Override
  public String family() {
    return "ViTamin";
  }
}
