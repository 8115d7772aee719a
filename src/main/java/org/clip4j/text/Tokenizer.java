package org.clip4j.text;

import java.util.List;

/**
 * Turns texts into token ids. Implementations are immutable and safe for use by several threads.
 */
public interface Tokenizer {

  /** The most tokens a text may have, start and end tokens included. */
  int contextLength();

  /**
   * Encodes one text: start token, content, end token. A text that is too long is cut so that the
   * end token stays.
   *
   * @return between 2 and {@link #contextLength()} ids, unpadded
   */
  int[] encode(String text);

  /** Encodes several texts, see {@link #encode(String)}. */
  default TokenBatch encode(List<String> texts) {
    return TokenBatch.of(texts.stream().map(this::encode).toList());
  }
}
