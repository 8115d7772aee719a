package org.clip4j.model;

/**
 * Describes a Vision Transformer without class token whose output is the mean of the patches, as
 * timm's {@code vit_medium_patch16_gap_256}: its maps to queries, keys and values have no bias, and
 * each branch has a LayerScale.
 *
 * @param shape what all transformers over patches have
 */
public record TimmGapVitConfig(VisionShape shape) implements VisionTransformerConfig {

  @Override
  public TimmGapVitConfig withShape(VisionShape other) {
    return new TimmGapVitConfig(other);
  }

  @Override
  public Double lsInitValue() {
    return 1e-6;
  }

  @Override
  public String family() {
    return "timm ViT of pooled patches";
  }
}
