package org.clip4j.model;

/** Says what a text encoder's feature is made of, see {@link EncoderConfig}. */
public enum EncoderPooling {
  /** The mean of all tokens but padding. */
  MEAN,
  /** The first token. */
  FIRST,
  /** The first token, mapped by the pooler that BERT was trained with. */
  POOLER,
  /** The last token before the padding. */
  LAST;

  boolean picksFirst() {
    return this == FIRST || this == POOLER;
  }
}
