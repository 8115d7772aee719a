package org.clip4j.model;

/**
 * Describes the image tower of a Perception Encoder (Bolya et al. 2025, "Perception Encoder: The
 * best visual embeddings are not at the output of the network"); made by {@link #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param heads attention heads of each block
 * @param mlpRatio hidden width of the MLP over D
 * @param classToken whether a token precedes the patches
 * @param rotaryGrid rows and columns of patches of an image that it was trained on
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record PeConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int heads,
    double mlpRatio,
    boolean classToken,
    int rotaryGrid,
    double normEpsilon,
    double patchDropout)
    implements VisionTransformerConfig {

  /** The heads of the attention that pools. */
  static final int POOLING_HEADS = 8;

  /** The hidden width over D of the MLP after it. */
  static final int POOLING_MLP_RATIO = 4;

  /** Checks the sizes against each other. */
  public PeConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    Checks.rotary("vision_cfg.heads", heads, width);
    Checks.positive("vision_cfg rotary grid", rotaryGrid);
    if (width % POOLING_HEADS != 0) {
      throw Checks.bad(
          "vision_cfg.width",
          width,
          "must be a multiple of the " + POOLING_HEADS + " pooling heads");
    }
  }

  /** Starts a tower with a class token whose LayerNorms have the epsilon 1e-5. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public String family() {
    return "Perception Encoder";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.pe(this);
  }

  /** Collects what the tower is made of. */
  public static final class Builder extends VisionTransformerConfig.HeadsBuilder<Builder> {
    private boolean classToken = true;
    private int rotaryGrid;

    private Builder() {}

    private Builder(PeConfig tower) {
      super(tower);
      classToken = tower.classToken;
      rotaryGrid = tower.rotaryGrid;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets whether a token precedes the patches; it does by default. */
    public Builder optClassToken(boolean token) {
      classToken = token;
      return this;
    }

    /**
     * Sets the rows and columns of patches that rotary positions are stretched to; by default those
     * of the images.
     */
    public Builder optRotaryGrid(int size) {
      rotaryGrid = size;
      return this;
    }

    @Override
    public PeConfig build() {
      requireExactGelu("a Perception Encoder has exact GELU");
      Checks.positive("vision_cfg.patch_size", patchSize);
      return new PeConfig(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          heads,
          mlpRatio,
          classToken,
          rotaryGrid == 0 ? imageHeight / patchSize : rotaryGrid,
          normEpsilon,
          patchDropout);
    }
  }
}
