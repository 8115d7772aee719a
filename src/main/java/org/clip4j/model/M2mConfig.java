package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a text tower that is the encoder of M2M-100 (Fan et al. 2020), as NLLB has it: a
 * transformer with sinusoidal positions, whose texts begin with a token of their language; made by
 * {@link #builder}.
 *
 * @param contextLength most tokens of a text, language and end tokens included
 * @param vocabSize number of token ids
 * @param positions that the publisher names as the most; more are computed where they are needed
 * @param width D
 * @param heads H
 * @param layers blocks
 * @param mlpWidth hidden width of the MLP
 * @param activation of the MLP
 * @param scaled whether the tokens' embeddings are multiplied by the root of D
 * @param normEpsilon of every norm
 * @param padId the token that fills up texts; positions are counted from the one after it
 * @param pooling what becomes of a text's tokens
 * @param head how that becomes the embedding
 * @param modelName where the publisher has the tower itself, OpenCLIP's {@code hf_model_name}; null
 *     where it has no name
 * @param tokenizer what makes the token ids
 */
public record M2mConfig(
    int contextLength,
    int vocabSize,
    int positions,
    int width,
    int heads,
    int layers,
    int mlpWidth,
    TextActivation activation,
    boolean scaled,
    double normEpsilon,
    int padId,
    EncoderPooling pooling,
    EncoderHead head,
    @Nullable String modelName,
    TokenizerOptions tokenizer)
    implements EncoderConfig {

  /** Checks the sizes against each other. */
  public M2mConfig {
    Checks.positive("text_cfg.context_length", contextLength);
    Checks.positive("vocab_size", vocabSize);
    Checks.positive("d_model", width);
    Checks.positive("encoder_layers", layers);
    Checks.positive("encoder_ffn_dim", mlpWidth);
    Checks.positive("layer_norm_eps", normEpsilon);
    Checks.divides("encoder_attention_heads", heads, "d_model", width);
    if (width < 4 || width % 2 != 0) {
      throw Checks.bad("d_model", width, "sinusoidal positions need an even number of channels");
    }
    Checks.token("pad_token_id", padId, vocabSize);
    if (pooling == EncoderPooling.POOLER) {
      throw Checks.bad("pooling", pooling, "the tower has no pooler");
    }
  }

  /** Starts a tower of the size of NLLB-200's distilled model of 600 million parameters. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts a builder with what this tower has. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public String family() {
    return "M2M-100 text encoder";
  }

  @Override
  public M2mConfig withTokenizer(TokenizerOptions options) {
    return toBuilder().optTokenizer(options).build();
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.m2m(this);
  }

  /** Collects what a tower is made of. */
  public static final class Builder extends EncoderConfig.Builder<Builder> {
    private int positions = 1024;
    private boolean scaled = true;

    private Builder() {
      super(256206, 1024, 16, 4096, NORM_EPSILON, TextActivation.RELU, 1);
    }

    private Builder(M2mConfig tower) {
      super(tower);
      positions = tower.positions;
      scaled = tower.scaled;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the number of positions that the publisher names; 1,024 by default. */
    public Builder optPositions(int value) {
      positions = value;
      return this;
    }

    /** Sets whether the tokens' embeddings are multiplied by the root of D; they are by default. */
    public Builder optScaled(boolean value) {
      scaled = value;
      return this;
    }

    @Override
    public M2mConfig build() {
      return new M2mConfig(
          contextLength,
          vocabSize,
          positions,
          width,
          heads,
          layers,
          mlpWidth,
          activation,
          scaled,
          normEpsilon,
          padId,
          pooling,
          head,
          modelName,
          tokenizer);
    }
  }
}
