package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/**
 * Describes a text tower that was made for texts alone and stands in transformers by itself: it
 * reads both ways and does not see padding. OpenCLIP names it by {@code hf_model_name}.
 */
public sealed interface EncoderConfig extends TextConfig permits BertConfig {

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
}
