package org.clip4j.model;

/**
 * Describes SigLIP's image tower (Zhai et al. 2023): a Vision Transformer without class token and
 * first LayerNorm that is pooled by attention; made by {@link #builder}.
 *
 * @param imageHeight input height in pixels; of a NaFlex tower the one of the square grid that its
 *     positions were learned for
 * @param imageWidth input width in pixels, likewise
 * @param patchSize edge of a square patch in pixels
 * @param width D, which is also the width of the embedding
 * @param layers residual attention blocks
 * @param heads attention heads of each block and of the pooling
 * @param mlpRatio hidden width of the MLP over D
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon epsilon of every LayerNorm
 * @param naFlex whether each image has a shape of its own, SigLIP 2's NaFlex (Tschannen et al.
 *     2025): the input is patches, their positions are resized for each image, and what fills a
 *     batch up is not seen
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
    boolean naFlex,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Checks the sizes against each other. */
  public SigLipConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    if (naFlex && (imageHeight != imageWidth || imageHeight % patchSize != 0)) {
      throw Checks.bad(
          "vision_cfg.image_size",
          imageHeight + " x " + imageWidth,
          "the positions of a NaFlex tower are those of a square grid of patches of " + patchSize);
    }
    if (naFlex && patchDropout > 0) {
      throw Checks.bad(
          "vision_cfg.patch_dropout", patchDropout, "a NaFlex tower looks at all patches; leave 0");
    }
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

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.sigLip(this);
  }

  /** Collects what SigLIP's tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private boolean naFlex;

    private Builder() {}

    private Builder(SigLipConfig tower) {
      super(tower);
      naFlex = tower.naFlex;
    }

    /** Sets whether each image has a shape of its own; by default all have the input's. */
    public Builder optNaFlex(boolean value) {
      naFlex = value;
      return this;
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
          naFlex,
          patchDropout);
    }
  }
}
