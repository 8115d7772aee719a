package org.clip4j.model;

/**
 * Describes a Vision Transformer without class token whose output is the mean of the patches, as
 * timm's {@code vit_medium_patch16_gap_256}: its maps to queries, keys and values have no bias, and
 * each branch has a LayerScale; made by {@link #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP over D
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record TimmGapVitConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    boolean tanhGelu,
    double normEpsilon,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Checks the sizes against each other. */
  public TimmGapVitConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
  }

  /** Starts a tower whose LayerNorms have the epsilon 1e-6. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public Double lsInitValue() {
    return 1e-6;
  }

  @Override
  public String family() {
    return "timm ViT of pooled patches";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.timmGapVit(this);
  }

  /** Collects what the tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private Builder() {
      normEpsilon = 1e-6;
    }

    private Builder(TimmGapVitConfig tower) {
      super(tower);
    }

    @Override
    Builder self() {
      return this;
    }

    @Override
    public TimmGapVitConfig build() {
      return new TimmGapVitConfig(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          heads,
          mlpRatio,
          tanhGelu,
          normEpsilon,
          patchDropout);
    }
  }
}
