package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes CLIP's own text tower, in the vocabulary of OpenCLIP's {@code text_cfg}; made by {@link
 * #builder}.
 *
 * @param contextLength most tokens of a text, start and end tokens included
 * @param vocabSize number of token ids
 * @param width D
 * @param heads H
 * @param layers residual attention blocks
 * @param mlpRatio hidden width of the MLP over D
 * @param lsInitValue initial value of LayerScale, or null for none
 * @param causal whether a token sees only itself and the ones before it
 * @param pooling which token's output is the feature
 * @param eosId the end token that {@link TextPooling#EOS} looks for
 * @param projection how the feature becomes the embedding
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon of every LayerNorm
 * @param tokenizer what makes the token ids
 */
public record TextTransformerConfig(
    int contextLength,
    int vocabSize,
    int width,
    int heads,
    int layers,
    double mlpRatio,
    @Nullable Double lsInitValue,
    boolean causal,
    TextPooling pooling,
    int eosId,
    TextProjection projection,
    boolean tanhGelu,
    double normEpsilon,
    TokenizerOptions tokenizer)
    implements TextConfig {

  /** Checks the sizes against each other. */
  public TextTransformerConfig {
    Checks.positive("text_cfg.context_length", contextLength);
    Checks.positive("text_cfg.vocab_size", vocabSize);
    Checks.blocks("text_cfg", width, layers, mlpRatio, normEpsilon);
    Checks.divides("text_cfg.heads", heads, "the width", width);
    if (pooling == TextPooling.EOS && (eosId < 0 || eosId >= vocabSize)) {
      throw Checks.bad("text_cfg.eos_id", eosId, "not an id of vocab_size " + vocabSize);
    }
  }

  /**
   * Starts a tower as the paper has it: causal, pooled at the largest id, projected by a matrix,
   * for OpenAI's tokenizer.
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts a builder with what this tower has. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public int mlpWidth() {
    return (int) (width * mlpRatio);
  }

  @Override
  public boolean cutsPadding() {
    return causal && pooling != TextPooling.LAST;
  }

  @Override
  public String family() {
    return "CLIP text transformer";
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.textTransformer(this);
  }

  /** Collects what a text tower is made of. */
  public static final class Builder extends TextConfig.Builder<Builder> {
    private double mlpRatio = 4;
    private @Nullable Double lsInitValue;
    private boolean causal = true;
    private TextPooling pooling = TextPooling.ARGMAX;
    private int eosId = DEFAULT_EOS_ID;
    private TextProjection projection = TextProjection.MATRIX;
    private boolean tanhGelu;

    private Builder() {
      super(49408, 512, 8, NORM_EPSILON);
    }

    private Builder(TextTransformerConfig tower) {
      super(tower);
      mlpRatio = tower.mlpRatio;
      lsInitValue = tower.lsInitValue;
      causal = tower.causal;
      pooling = tower.pooling;
      eosId = tower.eosId;
      projection = tower.projection;
      tanhGelu = tower.tanhGelu;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the hidden width of the MLP over D; 4 by default. */
    public Builder optMlpRatio(double value) {
      mlpRatio = value;
      return this;
    }

    /** Sets the initial value of LayerScale; there is none by default, which null means too. */
    public Builder optLsInitValue(@Nullable Double value) {
      lsInitValue = value;
      return this;
    }

    /** Sets whether a token sees only itself and the ones before it; so it is by default. */
    public Builder optCausal(boolean value) {
      causal = value;
      return this;
    }

    /** Sets which token's output is the feature; by default that of the largest id. */
    public Builder optPooling(TextPooling value) {
      pooling = value;
      return this;
    }

    /** Sets the end token that {@link TextPooling#EOS} looks for; 2 by default. */
    public Builder optEosId(int value) {
      eosId = value;
      return this;
    }

    /** Sets how the feature becomes the embedding; by a matrix by default. */
    public Builder optProjection(TextProjection value) {
      projection = value;
      return this;
    }

    /** Sets whether GELU is computed by its tanh approximation; it is not by default. */
    public Builder optTanhGelu(boolean value) {
      tanhGelu = value;
      return this;
    }

    @Override
    public TextTransformerConfig build() {
      return new TextTransformerConfig(
          contextLength,
          vocabSize,
          width,
          heads,
          layers,
          mlpRatio,
          lsInitValue,
          causal,
          pooling,
          eosId,
          projection,
          tanhGelu,
          normEpsilon,
          tokenizer);
    }
  }
}
