package org.clip4j.model;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Says which tokenizer a text tower was trained with, in the vocabulary of OpenCLIP's {@code
 * text_cfg}.
 *
 * @param hfName {@code hf_tokenizer_name}: where the publisher's {@code tokenizer.json} comes from;
 *     null for OpenAI's tokenizer
 * @param clean how texts are cleaned, as OpenCLIP names it, for example {@code canonicalize}; null
 *     for the tokenizer's default
 * @param stripSepToken whether the separator token is replaced by 0
 * @param language whose token a text is given, such as {@code deu_Latn}, where a tokenizer has such
 *     tokens, as NLLB's; null for the tokenizer's default
 */
public record TokenizerOptions(
    @Nullable String hfName,
    @Nullable String clean,
    boolean stripSepToken,
    @Nullable String language)
    implements Serializable {
  /** OpenAI's tokenizer. */
  public static final TokenizerOptions OPENAI = new TokenizerOptions(null, null, false);

  /** Makes options without a language. */
  public TokenizerOptions(@Nullable String hfName, @Nullable String clean, boolean stripSepToken) {
    this(hfName, clean, stripSepToken, null);
  }

  /** Returns the same with another language. */
  public TokenizerOptions withLanguage(@Nullable String name) {
    return new TokenizerOptions(hfName, clean, stripSepToken, name);
  }
}
