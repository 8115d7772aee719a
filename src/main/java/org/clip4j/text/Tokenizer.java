package org.clip4j.text;

import java.nio.file.Path;
import java.util.List;

/**
 * Turns texts into token ids. Implementations are immutable and safe for use by several threads.
 *
 * <p>Some hold native memory and must be closed by whoever opened them; for the others closing does
 * nothing.
 */
public interface Tokenizer extends AutoCloseable {

  /** Returns the most tokens a text may have, start and end tokens included. */
  int contextLength();

  /** Returns the id that fills up a text that is shorter than what the text encoder takes. */
  default int padId() {
    return 0;
  }

  /**
   * Encodes one text: start token, content, end token, as far as the vocabulary has them. A text
   * that is too long is cut so that the end token stays.
   *
   * @return between 1 and {@link #contextLength()} ids, unpadded
   */
  int[] encode(String text);

  /** Encodes several texts, see {@link #encode(String)}. */
  default TokenBatch encode(List<String> texts) {
    return TokenBatch.of(texts.stream().map(this::encode).toList(), padId());
  }

  /**
   * Returns the files that it came from, for whoever saves the model; none for OpenAI's tokenizer,
   * which needs none.
   */
  default List<Path> files() {
    return List.of();
  }

  @Override
  default void close() {}
}
