package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a Vision Transformer as the paper has it, with OpenCLIP's options; made by {@link
 * #builder}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels
 * @param width D
 * @param layers residual attention blocks
 * @param headWidth width of one attention head
 * @param mlpRatio hidden width of the MLP over D
 * @param lsInitValue initial value of LayerScale, or null for none
 * @param lnPre whether a LayerNorm precedes the first block
 * @param pooling how tokens become one feature
 * @param lnAfterPool whether the last LayerNorm comes after the pooling and not before it; so it
 *     does wherever there is a pooler
 * @param pooler what tokens pass before they are pooled, or null for none
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon epsilon of every LayerNorm
 * @param patchDropout see {@link VisionTransformerConfig#patchDropout}
 */
public record VitConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    int layers,
    int headWidth,
    double mlpRatio,
    @Nullable Double lsInitValue,
    boolean lnPre,
    ImagePooling pooling,
    boolean lnAfterPool,
    @Nullable AttentionalPoolerConfig pooler,
    boolean tanhGelu,
    double normEpsilon,
    double patchDropout)
    implements VisionTransformerConfig {

  /** Checks the sizes against each other. */
  public VitConfig {
    Checks.patches(imageHeight, imageWidth, patchSize, patchDropout);
    Checks.blocks("vision_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("vision_cfg.head_width", headWidth, "the width", width);
    lnAfterPool &= pooler == null; // OpenCLIP does not look at it then
    if (pooler != null && pooling == ImagePooling.AVG && pooler.queries() < 2) {
      throw Checks.bad(
          "vision_cfg.attn_pooler_queries", pooler.queries(), "the mean leaves out the first");
    }
  }

  /** Starts a tower with a class token, a LayerNorm before the blocks and heads of width 64. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public int heads() {
    return width / headWidth;
  }

  @Override
  public String family() {
    return "ViT";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.vit(this);
  }

  /** Collects what a Vision Transformer is made of. */
  public static final class Builder extends VisionTransformerConfig.Builder<Builder> {
    private int headWidth = 64;
    private @Nullable Double lsInitValue;
    private boolean lnPre = true;
    private ImagePooling pooling = ImagePooling.TOK;
    private boolean lnAfterPool;
    private @Nullable AttentionalPoolerConfig pooler;

    private Builder() {}

    private Builder(VitConfig tower) {
      super(tower);
      headWidth = tower.headWidth;
      lsInitValue = tower.lsInitValue;
      lnPre = tower.lnPre;
      pooling = tower.pooling;
      lnAfterPool = tower.lnAfterPool;
      pooler = tower.pooler;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the width of one attention head; 64 by default. */
    public Builder optHeadWidth(int value) {
      headWidth = value;
      return this;
    }

    /** Sets the initial value of LayerScale; there is none by default, which null means too. */
    public Builder optLsInitValue(@Nullable Double value) {
      lsInitValue = value;
      return this;
    }

    /** Sets whether a LayerNorm precedes the first block; one does by default. */
    public Builder optLnPre(boolean pre) {
      lnPre = pre;
      return this;
    }

    /** Sets how tokens become one feature; by default it is the class token's. */
    public Builder optPooling(ImagePooling value) {
      pooling = value;
      return this;
    }

    /** Sets whether the last LayerNorm comes after the pooling; it comes before it by default. */
    public Builder optLnAfterPool(boolean after) {
      lnAfterPool = after;
      return this;
    }

    /** Sets CoCa's pooling by attention; there is none by default, which null means too. */
    public Builder optPooler(@Nullable AttentionalPoolerConfig value) {
      pooler = value;
      return this;
    }

    @Override
    public VitConfig build() {
      return new VitConfig(
          imageHeight,
          imageWidth,
          patchSize,
          width,
          layers,
          headWidth,
          mlpRatio,
          lsInitValue,
          lnPre,
          pooling,
          lnAfterPool,
          pooler,
          tanhGelu,
          normEpsilon,
          patchDropout);
    }
  }
}
