package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a text tower of BERT's kind (Devlin et al. 2019), as BERT, RoBERTa, XLM-RoBERTa and
 * DistilBERT are: a transformer that reads both ways and does not see padding; made by {@link
 * #builder}.
 *
 * @param contextLength most tokens of a text, start and end tokens included
 * @param vocabSize number of token ids
 * @param positions number of positional embeddings
 * @param types number of token type embeddings, of which texts have the first; 0 for none, as
 *     DistilBERT has it, whose names a checkpoint then has
 * @param width D
 * @param heads H
 * @param layers blocks
 * @param mlpWidth hidden width of the MLP
 * @param activation of the MLP
 * @param normEpsilon of every LayerNorm
 * @param padId the token that fills up texts
 * @param positionsAfterPad whether positions are counted from {@code padId + 1}, as RoBERTa's are
 * @param pooling what becomes of a text's tokens
 * @param head how that becomes the embedding
 * @param modelName where the publisher has the tower itself, OpenCLIP's {@code hf_model_name}; null
 *     where it has no name
 * @param tokenizer what makes the token ids
 */
public record BertConfig(
    int contextLength,
    int vocabSize,
    int positions,
    int types,
    int width,
    int heads,
    int layers,
    int mlpWidth,
    TextActivation activation,
    double normEpsilon,
    int padId,
    boolean positionsAfterPad,
    EncoderPooling pooling,
    EncoderHead head,
    @Nullable String modelName,
    TokenizerOptions tokenizer)
    implements EncoderConfig {

  /** Checks the sizes against each other. */
  public BertConfig {
    Checks.positive("text_cfg.context_length", contextLength);
    Checks.positive("vocab_size", vocabSize);
    Checks.positive("hidden_size", width);
    Checks.positive("num_hidden_layers", layers);
    Checks.positive("intermediate_size", mlpWidth);
    Checks.positive("layer_norm_eps", normEpsilon);
    Checks.divides("num_attention_heads", heads, "hidden_size", width);
    Checks.token("pad_token_id", padId, vocabSize);
    int first = positionsAfterPad ? padId + 1 : 0;
    if (contextLength > positions - first) {
      throw Checks.bad(
          "text_cfg.context_length",
          contextLength,
          "max_position_embeddings has room for " + (positions - first) + " tokens");
    }
  }

  /** Starts a tower of the size of BERT's base model. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns whether the tower is a DistilBERT (Sanh et al. 2019), which has no token types. */
  boolean isDistilBert() {
    return types == 0;
  }

  /** Starts a builder with what this tower has. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  @Override
  public String family() {
    return "BERT text encoder";
  }

  @Override
  public BertConfig withTokenizer(TokenizerOptions options) {
    return toBuilder().optTokenizer(options).build();
  }

  @Override
  public <R> R accept(Visitor<R> visitor) {
    return visitor.bert(this);
  }

  /** Collects what a tower is made of. */
  public static final class Builder extends EncoderConfig.Builder<Builder> {
    private int positions = 512;
    private int types = 2;
    private boolean positionsAfterPad;

    private Builder() {
      super(30522, 768, 12, 3072, 1e-12, TextActivation.GELU, 0);
    }

    private Builder(BertConfig tower) {
      super(tower);
      positions = tower.positions;
      types = tower.types;
      positionsAfterPad = tower.positionsAfterPad;
    }

    @Override
    Builder self() {
      return this;
    }

    /** Sets the number of positional embeddings. */
    public Builder setPositions(int value) {
      positions = value;
      return this;
    }

    /** Sets the number of token type embeddings; 2 by default, 0 for none. */
    public Builder optTypes(int value) {
      types = value;
      return this;
    }

    /** Sets whether positions are counted from the padding's id on; they are not by default. */
    public Builder optPositionsAfterPad(boolean value) {
      positionsAfterPad = value;
      return this;
    }

    @Override
    public BertConfig build() {
      return new BertConfig(
          contextLength,
          vocabSize,
          positions,
          types,
          width,
          heads,
          layers,
          mlpWidth,
          activation,
          normEpsilon,
          padId,
          positionsAfterPad,
          pooling,
          head,
          modelName,
          tokenizer);
    }
  }
}
