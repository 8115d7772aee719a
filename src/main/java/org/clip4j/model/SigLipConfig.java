package org.clip4j.model;

/**
 * Describes SigLIP's image tower (Zhai et al. 2023): a Vision Transformer without class token and
 * first LayerNorm that is pooled by attention, with as many heads as its blocks have. Its width is
 * also that of the embedding.
 *
 * @param shape of a NaFlex tower with the images of the square grid that its positions were learned
 *     for
 * @param naFlex whether each image has a shape of its own, SigLIP 2's NaFlex (Tschannen et al.
 *     2025): the input is patches, their positions are resized for each image, and what fills a
 *     batch up is not seen
 */
public record SigLipConfig(VisionShape shape, boolean naFlex) implements VisionTransformerConfig {

  /** Checks what a NaFlex tower takes. */
  public SigLipConfig {
    int height = shape.imageHeight();
    int width = shape.imageWidth();
    if (naFlex && (height != width || height % shape.patchSize() != 0)) {
      throw Checks.bad(
          "vision_cfg.image_size",
          height + " x " + width,
          "the positions of a NaFlex tower are those of a square grid of patches of "
              + shape.patchSize());
    }
    if (naFlex && shape.patchDropout() > 0) {
      throw Checks.bad(
          "vision_cfg.patch_dropout",
          shape.patchDropout(),
          "a NaFlex tower looks at all patches; leave 0");
    }
  }

  @Override
  public SigLipConfig withShape(VisionShape other) {
    return new SigLipConfig(other, naFlex);
  }

  @Override
  public String family() {
    return naFlex ? "NaFlex tower" : "SigLIP tower";
  }

  @Override
  public boolean choosesPatches() {
    return !naFlex;
  }

  @Override
  public VisionTransformerConfig withImageSize(int height, int width) {
    if (naFlex) {
      throw new IllegalArgumentException(
          "a NaFlex tower takes images of every shape; max_num_patches of its processor says how"
              + " large they become");
    }
    return VisionTransformerConfig.super.withImageSize(height, width);
  }
}
