package org.clip4j.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.text.internal.ClipWords;

/**
 * Turns texts into tokens as OpenAI's tokenizer for CLIP does: text repair, lower case, and
 * byte-level byte-pair encoding with a vocabulary of 49,408 (Radford et al. 2021, section 2.4). Its
 * tokens are those of the published {@code SimpleTokenizer} of OpenAI's CLIP and of OpenCLIP.
 *
 * <ol>
 *   <li>Broken text is repaired: HTML entities, mojibake ({@code schÃ¶n} to {@code schön}),
 *       ligatures, full-width forms, curly quotes, lone surrogates (to U+FFFD), control characters;
 *       then Unicode normal form C. Text without such faults is left as it is.
 *   <li>White space is folded to single spaces, and the text is put in lower case.
 *   <li>It is split into contractions ({@code 's}), runs of letters, single digits, and runs of
 *       anything else; each piece is a word of UTF-8 bytes, which are merged pair by pair.
 *   <li>The start token goes before them and the end token after them. Of a text that is too long,
 *       the first tokens are kept and the end token stays last.
 * </ol>
 *
 * <p>What a user types is always text: neither {@code <|endoftext|>} nor any other spelling of a
 * special token ever becomes {@link #START_TOKEN} or {@link #END_TOKEN} within a text. (OpenCLIP
 * takes {@code <start_of_text>} and {@code <end_of_text>} in a text for the tokens themselves; then
 * the text would be embedded only up to there.)
 *
 * <p>Instances are immutable and may be shared by all threads. Time and memory grow with the length
 * of the text and nothing else; the cache of words behind all instances stays below about 5 MB.
 *
 * <p>The merges are {@code bpe_simple_vocab_16e6.txt.gz}, copyright (c) 2021 OpenAI, MIT licence;
 * the licence lies beside the resource.
 */
public final class ClipTokenizer implements Tokenizer {
  /** The context length of OpenAI's models, in tokens. */
  public static final int DEFAULT_CONTEXT_LENGTH = 77;

  /** The number of token ids, special tokens included. */
  public static final int VOCABULARY_SIZE = 49408;

  /** The id that begins every text. */
  public static final int START_TOKEN = BytePairs.START;

  /** The id that ends every text, and the highest one. */
  public static final int END_TOKEN = BytePairs.END;

  private final int contextLength;
  private final ClipWords words;

  private ClipTokenizer(int contextLength) {
    this.contextLength = contextLength;
    words = new ClipWords(contextLength);
  }

  /**
   * Makes a tokenizer with the context length of OpenAI's models, {@value #DEFAULT_CONTEXT_LENGTH}.
   */
  public static ClipTokenizer create() {
    return create(DEFAULT_CONTEXT_LENGTH);
  }

  /**
   * Makes a tokenizer for a model's context length.
   *
   * @param contextLength the most tokens a text may have, start and end included; at least 2
   * @throws IllegalArgumentException if it is less than 2
   */
  public static ClipTokenizer create(int contextLength) {
    if (contextLength < 2) {
      throw new IllegalArgumentException(
          "context length "
              + contextLength
              + " is too short; a text has at least 2 tokens, start and end");
    }
    return new ClipTokenizer(contextLength);
  }

  @Override
  public int contextLength() {
    return contextLength;
  }

  /**
   * {@inheritDoc}
   *
   * @throws NullPointerException if the text is null
   */
  @Override
  public int[] encode(String text) {
    if (text == null) {
      throw new NullPointerException("text is null; an empty text is \"\"");
    }
    return words.encode(text);
  }

  /**
   * {@inheritDoc}
   *
   * @throws NullPointerException if a text is null; the message has its index
   */
  @Override
  public TokenBatch encode(List<String> texts) {
    int[][] rows = new int[texts.size()][];
    int index = 0;
    for (String text : texts) {
      if (text == null) {
        throw new NullPointerException(
            "text " + index + " of " + rows.length + " is null; an empty text is \"\"");
      }
      rows[index++] = encode(text);
    }
    return TokenBatch.of(Arrays.asList(rows));
  }

  /**
   * Returns the text of token ids, as far as it can be known: in lower case, with a space after
   * every word and punctuation mark, special tokens and trailing spaces left out, and U+FFFD for
   * bytes that are no UTF-8.
   *
   * @throws IllegalArgumentException if an id is not in [0, {@value #VOCABULARY_SIZE})
   */
  public String decode(int... ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(8 * ids.length);
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= VOCABULARY_SIZE) {
        throw new IllegalArgumentException(
            "token id " + ids[i] + " at index " + i + " is not in [0, " + VOCABULARY_SIZE + ")");
      }
      if (ids[i] < START_TOKEN) {
        BytePairs.openAi().decode(ids[i], bytes);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8).stripTrailing();
  }
}
