package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a text tower that was made for texts alone and stands in transformers by itself: it
 * reads both ways and does not see padding. OpenCLIP names it by {@code hf_model_name}.
 */
public sealed interface EncoderConfig extends TextConfig permits BertConfig, T5Config, M2mConfig {

  /** Returns the token that fills up texts, which no other token sees. */
  int padId();

  /** Returns what becomes of a text's tokens. */
  EncoderPooling pooling();

  /** Returns how that becomes the embedding. */
  EncoderHead head();

  /** Returns the activation of the MLPs. */
  TextActivation activation();

  /** Returns OpenCLIP's {@code hf_model_name}; null where the tower has no name. */
  @Nullable String modelName();

  /** Returns the same tower with another tokenizer. */
  EncoderConfig withTokenizer(TokenizerOptions options);

  @Override
  default boolean takesOpenAiTokens() {
    return false;
  }

  @Override
  default void requirePadding(int padId) {
    if (padId != padId()) {
      throw new IllegalArgumentException(
          "the tokenizer fills texts up with the token "
              + padId
              + ", but the text tower, a "
              + family()
              + ", takes "
              + padId()
              + " for that; take the tokenizer that the model was trained with");
    }
  }

  @Override
  default boolean cutsPadding() {
    return true;
  }

  /**
   * Collects what all of these towers have.
   *
   * @param <B> the family's own builder
   */
  abstract class Builder<B extends Builder<B>> extends TextConfig.Builder<B> {
    int mlpWidth;
    TextActivation activation;
    int padId;
    EncoderPooling pooling = EncoderPooling.MEAN;
    EncoderHead head = EncoderHead.MLP;
    @Nullable String modelName;

    Builder(
        int vocabSize,
        int width,
        int heads,
        int mlpWidth,
        double normEpsilon,
        TextActivation activation,
        int padId) {
      super(vocabSize, width, heads, normEpsilon);
      this.mlpWidth = mlpWidth;
      this.activation = activation;
      this.padId = padId;
    }

    Builder(EncoderConfig tower) {
      super(tower);
      mlpWidth = tower.mlpWidth();
      activation = tower.activation();
      padId = tower.padId();
      pooling = tower.pooling();
      head = tower.head();
      modelName = tower.modelName();
    }

    /** Sets the hidden width of the MLP. */
    public B setMlpWidth(int value) {
      mlpWidth = value;
      return self();
    }

    /** Sets the activation of the MLP; by default the family's own. */
    public B optActivation(TextActivation value) {
      activation = value;
      return self();
    }

    /** Sets the token that fills up texts; by default the family's own. */
    public B optPadId(int value) {
      padId = value;
      return self();
    }

    /** Sets what becomes of a text's tokens; by default their mean. */
    public B optPooling(EncoderPooling value) {
      pooling = value;
      return self();
    }

    /** Sets how that becomes the embedding; OpenCLIP's MLP by default. */
    public B optHead(EncoderHead value) {
      head = value;
      return self();
    }

    /** Sets where the publisher has the tower itself; it has no name by default. */
    public B optModelName(@Nullable String value) {
      modelName = value;
      return self();
    }
  }
}
