package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a text tower that is T5's encoder as mT5 has it (Xue et al. 2021): its attention knows
 * how far tokens are from each other, and nothing else says where they stand; made by {@link
 * #builder}.
 *
 * @param contextLength most tokens of a text, end token included
 * @param vocabSize number of token ids
 * @param width D
 * @param headWidth of a head; H of them need not be D wide
 * @param heads H
 * @param layers blocks
 * @param mlpWidth hidden width of the MLP
 * @param activation of the MLP
 * @param buckets of distances that attention tells apart, half of them for each direction
 * @param farthest the distance from which on all are alike
 * @param normEpsilon of every norm
 * @param padId the token that fills up texts
 * @param pooling what becomes of a text's tokens
 * @param head how that becomes the embedding
 * @param modelName where the publisher has the tower itself, OpenCLIP's {@code hf_model_name}; null
 *     where it has no name
 * @param tokenizer what makes the token ids
 */
public record T5Config(
    int contextLength,
    int vocabSize,
    int width,
    int headWidth,
    int heads,
    int layers,
    int mlpWidth,
    TextActivation activation,
    int buckets,
    int farthest,
    double normEpsilon,
    int padId,
    EncoderPooling pooling,
    EncoderHead head,
    @Nullable String modelName,
    TokenizerOptions tokenizer)
    implements EncoderConfig {

  /** Checks the sizes against each other. */
  public T5Config {
    Checks.positive("text_cfg.context_length", contextLength);
    Checks.positive("vocab_size", vocabSize);
    Checks.positive("d_model", width);
    Checks.positive("d_kv", headWidth);
    Checks.positive("num_heads", heads);
    Checks.positive("num_layers", layers);
    Checks.positive("d_ff", mlpWidth);
    Checks.positive("layer_norm_epsilon", normEpsilon);
    if (buckets < 4 || buckets % 4 != 0) {
      throw Checks.bad("relative_attention_num_buckets", buckets, "expected a multiple of 4");
    }
    if (farthest <= buckets / 4) {
      throw Checks.bad("relative_attention_max_distance", farthest, "must be above " + buckets / 4);
    }
    Checks.token("pad_token_id", padId, vocabSize);
    if (pooling == EncoderPooling.POOLER) {
      throw Checks.bad("pooling", pooling, "the tower has no pooler");
    }
  }

  /** Starts a tower of the size of mT5's base model. */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts a builder with what this tower has. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public String family() {
    return "T5 text encoder";
  }

  @Override
  public T5Config withTokenizer(TokenizerOptions options) {
    return toBuilder().optTokenizer(options).build();
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.t5(this);
  }

  /** Collects what a tower is made of. */
  public static final class Builder extends EncoderConfig.Builder<Builder> {
    private int headWidth = 64;
    private int buckets = 32;
    private int farthest = 128;

    private Builder() {
      super(250112, 768, 12, 2048, 1e-6, TextActivation.GELU_TANH, 0);
    }

    private Builder(T5Config tower) {
      super(tower);
      headWidth = tower.headWidth;
      buckets = tower.buckets;
      farthest = tower.farthest;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the width of a head; 64 by default. */
    public Builder optHeadWidth(int value) {
      headWidth = value;
      return this;
    }

    /**
     * Sets how many distances attention tells apart, and from which on they are alike; 32 and 128
     * by default.
     */
    public Builder optDistances(int buckets, int farthest) {
      this.buckets = buckets;
      this.farthest = farthest;
      return this;
    }

    @Override
    public T5Config build() {
      return new T5Config(
          contextLength,
          vocabSize,
          width,
          headWidth,
          heads,
          layers,
          mlpWidth,
          activation,
          buckets,
          farthest,
          normEpsilon,
          padId,
          pooling,
          head,
          modelName,
          tokenizer);
    }
  }
}
