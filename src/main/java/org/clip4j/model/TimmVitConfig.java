package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * A plain Vision Transformer as timm has it, under timm's names: the image tower of
 * MobileCLIP2-L-14 (Faghri et al. 2025), and that of BiomedCLIP (Zhang et al. 2023); made by {@link
 * #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP over D
 * @param preNorm whether a LayerNorm precedes the blocks, and the patches' map has no bias
 * @param linearHead whether OpenCLIP's linear map without bias projects, and not the trunk's own
 *     head, which has one
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record TimmVitConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    boolean preNorm,
    boolean linearHead,
    boolean tanhGelu,
    double normEpsilon,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Checks the sizes against each other. */
  public TimmVitConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
  }

  /** Starts a tower whose LayerNorms have the epsilon 1e-5. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public @Nullable Double lsInitValue() {
    return null;
  }

  @Override
  public String family() {
    return "timm ViT";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.timmVit(this);
  }

  /** Collects what the tower is made of. */
  public static final class Builder extends VisionTransformerConfig.Builder<Builder> {
    private int heads;
    private boolean preNorm = true;
    private boolean linearHead;

    private Builder() {}

    private Builder(TimmVitConfig tower) {
      super(tower);
      heads = tower.heads;
      preNorm = tower.preNorm;
      linearHead = tower.linearHead;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the number of attention heads. */
    public Builder setHeads(int count) {
      heads = count;
      return this;
    }

    /** Sets whether a LayerNorm precedes the blocks; it does by default. */
    public Builder optPreNorm(boolean value) {
      preNorm = value;
      return this;
    }

    /** Sets whether OpenCLIP's linear map projects, and not the trunk's head, as by default. */
    public Builder optLinearHead(boolean value) {
      linearHead = value;
      return this;
    }

    @Override
    public TimmVitConfig build() {
      return new TimmVitConfig(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          heads,
          mlpRatio,
          preNorm,
          linearHead,
          tanhGelu,
          normEpsilon,
          patchDropout);
    }
  }
}
