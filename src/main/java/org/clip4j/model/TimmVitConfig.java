package org.clip4j.model;

/**
 * Describes a plain Vision Transformer as timm has it, under timm's names: the image tower of
 * MobileCLIP2-L-14 (Faghri et al. 2025), with a stem of convolutions that of MobileCLIP-B (Vasu et
 * al. 2024), and that of BiomedCLIP (Zhang et al. 2023).
 *
 * @param shape what all transformers over patches have
 * @param preNorm whether a LayerNorm precedes the blocks, and the patches' map has no bias
 * @param linearHead whether OpenCLIP's linear map without bias projects, and not the trunk's own
 *     head, which has one
 * @param convolutional whether the patches are embedded by three convolutions with batch norms, of
 *     4, 2 and 2 pixels (timm's {@code ConvStem}), in place of one and a LayerNorm
 */
public record TimmVitConfig(
    VisionShape shape, boolean preNorm, boolean linearHead, boolean convolutional)
    implements VisionTransformerConfig {

  /** Checks the shape. */
  public TimmVitConfig {
    if (convolutional && shape.patchSize() != 16) {
      throw Checks.bad(
          "vision_cfg.patch_size", shape.patchSize(), "three convolutions embed 16 pixels");
    }
  }

  @Override
  public TimmVitConfig withShape(VisionShape other) {
    return new TimmVitConfig(other, preNorm, linearHead, convolutional);
  }

  @Override
  public boolean hasBatchNorm() {
    return convolutional;
  }

  @Override
  public String family() {
    return "timm ViT";
  }
}
