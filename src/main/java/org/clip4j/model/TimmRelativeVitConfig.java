package org.clip4j.model;

/**
 * Describes a plain Vision Transformer as timm has it with relative positions (its {@code
 * VisionTransformerRelPos} with a class token), LayerScale and no biases of queries, keys and
 * values; made by {@link #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP over D
 * @param relativeWidth hidden width of the MLP that makes a bias of a distance
 * @param normEpsilon epsilon of every LayerNorm
 */
public record TimmRelativeVitConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    int relativeWidth,
    double normEpsilon)
    implements VisionTransformerConfig {

  /** Checks the sizes against each other. */
  public TimmRelativeVitConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, 0);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    Checks.positive("vision_cfg.relative_width", relativeWidth);
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

  /** Returns 0: timm's tower leaves out no patches. */
  @Override
  public double patchDropout() {
    return 0;
  }

  @Override
  public boolean choosesPatches() {
    return false;
  }

  @Override
  public String family() {
    return "timm ViT of relative positions";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.timmRelativeVit(this);
  }

  /** Collects what the tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private int relativeWidth;

    private Builder() {
      normEpsilon = 1e-6;
    }

    private Builder(TimmRelativeVitConfig tower) {
      super(tower);
      relativeWidth = tower.relativeWidth;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the hidden width of the MLP that makes a bias of a distance. */
    public Builder setRelativeWidth(int value) {
      relativeWidth = value;
      return this;
    }

    @Override
    public TimmRelativeVitConfig build() {
      requireExactGelu("this timm ViT has exact GELU");
      if (patchDropout != 0) {
        throw Checks.bad(
            "vision_cfg.patch_dropout",
            patchDropout,
            "a timm ViT of relative positions looks at all patches; leave 0");
      }
      return new TimmRelativeVitConfig(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          heads,
          mlpRatio,
          relativeWidth,
          normEpsilon);
    }
  }
}
