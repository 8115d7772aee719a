package org.clip4j.model;

/** Says which token's output is a text's feature. */
public enum TextPooling {
  /** The first token. */
  FIRST,
  /** The last token of the whole context, padding or not. */
  LAST,
  /** The token with the largest id, the first of equals: OpenAI's end-of-text token. */
  ARGMAX,
  /**
   * The first token whose id is {@link TextTransformerConfig#eosId}; the first of all if there is
   * none.
   */
  EOS
}
