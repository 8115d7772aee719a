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
 * @param embedCls whether a class token follows a text and its padding, as CoCa's does (Yu et al.
 *     2022); its output is then the feature, whatever {@code pooling} says, and its row comes first
 * @param padId the token that fills up texts, which the class token does not see; 0 where there is
 *     none
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
    boolean embedCls,
    int padId,
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
    padId = embedCls ? padId : 0;
    Checks.token("text_cfg.pad_id", padId, vocabSize);
    if (pooling == TextPooling.EOS) {
      Checks.token("text_cfg.eos_id", eosId, vocabSize);
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
    return embedCls || causal && pooling != TextPooling.LAST;
  }

  @Override
  public int rowsBeforeTokens() {
    return embedCls ? 1 : 0;
  }

  @Override
  public void requirePadding(int id) {
    if (embedCls && id != padId) {
      throw Checks.bad(
          "text_cfg.pad_id",
          padId,
          "the tokenizer fills texts up with the token "
              + id
              + "; take the tokenizer that the model was trained with");
    }
  }

  @Override
  public String family() {
    return "CLIP text transformer";
  }

  /** Collects what a text tower is made of. */
  public static final class Builder extends TextConfig.Setters<Builder> {
    private double mlpRatio = 4;
    private @Nullable Double lsInitValue;
    private boolean causal = true;
    private boolean embedCls;
    private int padId;
    private TextPooling pooling = TextPooling.ARGMAX;
    private int eosId = DEFAULT_EOS_ID;
    private TextProjection projection = TextProjection.MATRIX;
    private boolean tanhGelu;

    private Builder() {
      super(49408, 512, 8, NORM_EPSILON);
    }

    private Builder(TextTransformerConfig tower) {
      super(tower.vocabSize, tower.width, tower.heads, tower.normEpsilon);
      contextLength = tower.contextLength;
      layers = tower.layers;
      tokenizer = tower.tokenizer;
      mlpRatio = tower.mlpRatio;
      lsInitValue = tower.lsInitValue;
      causal = tower.causal;
      embedCls = tower.embedCls;
      padId = tower.padId;
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

    /** Sets whether a class token follows the text; none does by default. */
    public Builder optEmbedCls(boolean value) {
      embedCls = value;
      return this;
    }

    /** Sets the token that fills up texts, which {@link #optEmbedCls} alone asks for; 0 so far. */
    public Builder optPadId(int value) {
      padId = value;
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

    /**
     * Makes the configuration.
     *
     * @throws IllegalArgumentException if the sizes do not fit each other; the message names them
     */
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
          embedCls,
          padId,
          pooling,
          eosId,
          projection,
          tanhGelu,
          normEpsilon,
          tokenizer);
    }
  }
}
