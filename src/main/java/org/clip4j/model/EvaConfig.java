package org.clip4j.model;

/**
 * Describes the image tower of an EVA-CLIP model (Sun et al. 2023); made by {@link #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP over D
 * @param generation which blocks it has
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record EvaConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    Generation generation,
    double normEpsilon,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Says which blocks an EVA tower has. */
  public enum Generation {
    /** The paper's, without a bias of keys (Fang et al. 2022, "EVA"). */
    EVA01,
    /**
     * Rotary positions, SwiGLU and a LayerNorm more in each branch (Fang et al. 2023, "EVA-02").
     */
    EVA02,
    /** A LayerNorm after each branch instead of before it, as in EVA02-CLIP-E. */
    EVA02_E
  }

  private static final double NORM_EPSILON = 1e-6;

  /** Checks the sizes against each other. */
  public EvaConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    if (generation == Generation.EVA02) {
      Checks.rotary("vision_cfg.heads", heads, width);
    }
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
  public String family() {
    return "timm EVA";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.eva(this);
  }

  /** Collects what the tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private Generation generation = Generation.EVA02;

    private Builder() {
      normEpsilon = NORM_EPSILON;
    }

    private Builder(EvaConfig tower) {
      super(tower);
      generation = tower.generation;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets which blocks the tower has; those of EVA-02 by default. */
    public Builder optGeneration(Generation value) {
      generation = value;
      return this;
    }

    @Override
    public EvaConfig build() {
      requireExactGelu("an EVA tower has exact GELU or SiLU");
      return new EvaConfig(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          heads,
          mlpRatio,
          generation,
          normEpsilon,
          patchDropout);
    }
  }
}
