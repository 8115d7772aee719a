package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a Vision Transformer as the paper has it, with OpenCLIP's options; made by {@link
 * #builder}.
 *
 * @param shape what all transformers over patches have
 * @param lsInitValue initial value of LayerScale, or null for none
 * @param lnPre whether a LayerNorm precedes the first block
 * @param pooling how tokens become one feature
 * @param lnAfterPool whether the last LayerNorm comes after the pooling and not before it; so it
 *     does wherever there is a pooler
 * @param pooler what tokens pass before they are pooled, or null for none
 */
public record VitConfig(
    VisionShape shape,
    @Nullable Double lsInitValue,
    boolean lnPre,
    ImagePooling pooling,
    boolean lnAfterPool,
    @Nullable AttentionalPoolerConfig pooler)
    implements VisionTransformerConfig {

  /** Checks the options against each other. */
  public VitConfig {
    lnAfterPool &= pooler == null; // OpenCLIP does not look at it then
    if (pooler != null && pooling == ImagePooling.AVG && pooler.queries() < 2) {
      throw Checks.bad(
          "vision_cfg.attn_pooler_queries", pooler.queries(), "the mean leaves out the first");
    }
  }

  /** Makes a tower of a shape that has a class token and a LayerNorm before the blocks. */
  public static VitConfig of(VisionShape shape) {
    return new VitConfig(shape, null, true, ImagePooling.TOK, false, null);
  }

  /** Starts a tower with a class token, a LayerNorm before the blocks and heads of width 64. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the width of one attention head. */
  public int headWidth() {
    return width() / heads();
  }

  @Override
  public VitConfig withShape(VisionShape other) {
    return new VitConfig(other, lsInitValue, lnPre, pooling, lnAfterPool, pooler);
  }

  @Override
  public String family() {
    return "ViT";
  }

  /** Collects what a Vision Transformer is made of. */
  public static final class Builder extends VisionShape.Setters<Builder> {
    private int headWidth = 64;
    private @Nullable Double lsInitValue;
    private boolean lnPre = true;
    private ImagePooling pooling = ImagePooling.TOK;
    private boolean lnAfterPool;
    private @Nullable AttentionalPoolerConfig pooler;

    private Builder() {}

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

    /**
     * Makes the configuration.
     *
     * @throws IllegalArgumentException if the sizes do not fit each other; the message names them
     */
    public VitConfig build() {
      Checks.positive("vision_cfg.width", width);
      Checks.divides("vision_cfg.head_width", headWidth, "the width", width);
      return new VitConfig(
          shape(width / headWidth), lsInitValue, lnPre, pooling, lnAfterPool, pooler);
    }
  }
}
