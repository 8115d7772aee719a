package org.clip4j.model;

/**
 * Describes SigLIP's image tower (Zhai et al. 2023): a Vision Transformer without class token and
 * first LayerNorm that is pooled by attention; made by {@link #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D, which is also the width of the embedding
 * @param layers residual attention blocks
 * @param heads attention heads of each block and of the pooling
 * @param mlpRatio hidden width of the MLP over D
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record SigLipConfig(
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
  public SigLipConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
  }

  /** Starts a tower whose LayerNorms have the epsilon 1e-6. */
  public static Builder builder() {
    return new Builder().optNormEpsilon(1e-6);
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public String family() {
    return "SigLIP tower";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.sigLip(this);
  }

  /** Collects what SigLIP's tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private Builder() {}

    private Builder(SigLipConfig tower) {
      super(tower);
    }

    @Override
    Builder self() {
      return this;
    }

    @Override
    public SigLipConfig build() {
      return new SigLipConfig(
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
