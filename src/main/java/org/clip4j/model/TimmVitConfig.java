package org.clip4j.model;

/**
 * Describes a plain Vision Transformer as timm has it, under timm's names: the image tower of
 * MobileCLIP2-L-14 (Faghri et al. 2025), with a stem of convolutions that of MobileCLIP-B (Vasu et
 * al. 2024), and that of BiomedCLIP (Zhang et al. 2023); made by {@link #builder}.
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
 * @param convolutional whether the patches are embedded by three convolutions with batch norms, of
 *     4, 2 and 2 pixels (timm's {@code ConvStem}), in place of one and a LayerNorm
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
    boolean convolutional,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Checks the sizes against each other. */
  public TimmVitConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    if (convolutional && patchSize != 16) {
      throw Checks.bad("vision_cfg.patch_size", patchSize, "three convolutions embed 16 pixels");
    }
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
  public boolean hasBatchNorm() {
    return convolutional;
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
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private boolean preNorm = true;
    private boolean linearHead;
    private boolean convolutional;

    private Builder() {}

    private Builder(TimmVitConfig tower) {
      super(tower);
      preNorm = tower.preNorm;
      linearHead = tower.linearHead;
      convolutional = tower.convolutional;
    }

    @Override
    Builder self() {
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

    /** Sets whether three convolutions embed the patches; false by default. */
    public Builder optConvolutional(boolean stem) {
      convolutional = stem;
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
          convolutional,
          patchDropout);
    }
  }
}
