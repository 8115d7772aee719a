package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a text tower that was made for texts alone and stands in transformers by itself: it
 * reads both ways and does not see padding. OpenCLIP names it by {@code hf_model_name}.
 */
public sealed interface EncoderConfig extends TextConfig permits BertConfig, T5Config, M2mConfig {

  /** Returns what all of these towers have. */
  EncoderShape shape();

  /**
   * Returns the same tower of another shape.
   *
   * @throws IllegalArgumentException if the family has none of this shape; the message says why
   */
  EncoderConfig withShape(EncoderShape other);

  @Override
  default int contextLength() {
    return shape().contextLength();
  }

  @Override
  default int vocabSize() {
    return shape().vocabSize();
  }

  @Override
  default int width() {
    return shape().width();
  }

  @Override
  default int heads() {
    return shape().heads();
  }

  @Override
  default int layers() {
    return shape().layers();
  }

  @Override
  default int mlpWidth() {
    return shape().mlpWidth();
  }

  @Override
  default double normEpsilon() {
    return shape().normEpsilon();
  }

  @Override
  default TokenizerOptions tokenizer() {
    return shape().tokenizer();
  }

  /** Returns the token that fills up texts, which no other token sees. */
  default int padId() {
    return shape().padId();
  }

  /** Returns what becomes of a text's tokens. */
  default EncoderPooling pooling() {
    return shape().pooling();
  }

  /** Returns how that becomes the embedding. */
  default EncoderHead head() {
    return shape().head();
  }

  /** Returns the activation of the MLPs. */
  default TextActivation activation() {
    return shape().activation();
  }

  /** Returns OpenCLIP's {@code hf_model_name}; null where the tower has no name. */
  default @Nullable String modelName() {
    return shape().modelName();
  }

  /** Returns the same tower with another tokenizer. */
  default EncoderConfig withTokenizer(TokenizerOptions options) {
    return withShape(shape().toBuilder().optTokenizer(options).build());
  }

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
}
