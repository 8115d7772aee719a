package org.clip4j.model;

/**
 * Describes the image tower of a ViTamin (Chen et al. 2024, "ViTamin: Designing Scalable Vision
 * Models in the Vision-Language Era") as timm has it: two stages of convolutions, and a transformer
 * over their grid; made by {@link #builder}.
 *
 * @param imageHeight input height in pixels, a multiple of 16
 * @param imageWidth input width in pixels, a multiple of 16
 * @param width D, of the transformer
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP, of which each of its first two maps has as much, over D
 * @param stemWidth channels of the stem and of the first stage; the second has twice as many
 * @param positions whether there are positional embeddings; without them it takes images of any
 *     size
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record ViTaminConfig(
    int imageHeight,
    int imageWidth,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    int stemWidth,
    boolean positions,
    double normEpsilon,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Pixels that a position of the transformer's grid stands for: four halvings. */
  private static final int STRIDE = 16;

  /** Checks the sizes against each other. */
  public ViTaminConfig {
    Checks.patches(imageHeight, imageWidth, STRIDE, patchDropout);
    if (imageHeight % STRIDE != 0 || imageWidth % STRIDE != 0) {
      throw Checks.bad(
          "vision_cfg.image_size",
          imageHeight + " x " + imageWidth,
          "a ViTamin takes images whose height and width are multiples of " + STRIDE);
    }
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    Checks.positive("vision_cfg.stem_width", stemWidth);
  }

  /** Starts a tower with positional embeddings whose LayerNorms have the epsilon 1e-6. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Returns 16: so many pixels a position of the transformer's grid stands for. */
  @Override
  public int patchSize() {
    return STRIDE;
  }

  @Override
  public String family() {
    return "ViTamin";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.viTamin(this);
  }

  /** Collects what the tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private int stemWidth;
    private boolean positions = true;

    private Builder() {
      patchSize = STRIDE;
      mlpRatio = 2;
      normEpsilon = 1e-6;
    }

    private Builder(ViTaminConfig tower) {
      super(tower);
      stemWidth = tower.stemWidth;
      positions = tower.positions;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the channels of the stem and of the first stage. */
    public Builder setStemWidth(int channels) {
      stemWidth = channels;
      return this;
    }

    /** Sets whether there are positional embeddings; there are by default. */
    public Builder optPositions(boolean value) {
      positions = value;
      return this;
    }

    @Override
    public ViTaminConfig build() {
      requireExactGelu("a ViTamin has exact GELU");
      if (patchSize != STRIDE) {
        throw Checks.bad(
            "vision_cfg.patch_size", patchSize, "a ViTamin's convolutions make one of 16 pixels");
      }
      return new ViTaminConfig(
          imageHeight,
          imageWidth,
          width,
          layers,
          heads,
          mlpRatio,
          stemWidth,
          positions,
          normEpsilon,
          patchDropout);
    }
  }
}
