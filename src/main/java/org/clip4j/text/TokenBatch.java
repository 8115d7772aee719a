package org.clip4j.text;

import java.util.Arrays;
import java.util.List;

/**
 * Holds the token ids of N texts, each row ending with its end-of-text token and unpadded.
 *
 * <p>With causal attention nothing after the end-of-text token can change a text's embedding, so
 * rows are kept as short as they are; {@link #padded(int)} lays them out as the encoder wants them.
 */
public final class TokenBatch {
  private final int[][] rows;
  private final int padId;

  private TokenBatch(int[][] rows, int padId) {
    this.rows = rows;
    this.padId = padId;
  }

  /** Wraps rows of token ids, to be padded with zeros; the arrays are not copied. */
  public static TokenBatch of(List<int[]> rows) {
    return of(rows, 0);
  }

  /**
   * Wraps rows of token ids; the arrays are not copied.
   *
   * @param rows N rows, each of at least one token
   * @param padId what {@link #padded} fills up with, see {@link Tokenizer#padId()}
   */
  public static TokenBatch of(List<int[]> rows, int padId) {
    for (int i = 0; i < rows.size(); i++) {
      if (rows.get(i).length == 0) {
        throw new IllegalArgumentException(
            "text " + i + " has no tokens; an encoded text has at least its end-of-text token");
      }
    }
    return new TokenBatch(rows.toArray(int[][]::new), padId);
  }

  /** Returns the number of texts, N. */
  public int size() {
    return rows.length;
  }

  /** Returns the id that {@link #padded} fills up with. */
  public int padId() {
    return padId;
  }

  /** Returns the ids of one text, including its start and end tokens; do not modify. */
  public int[] row(int index) {
    return rows[index];
  }

  /**
   * Returns some of the texts.
   *
   * @param from index of the first
   * @param to index after the last
   */
  public TokenBatch range(int from, int to) {
    return new TokenBatch(Arrays.copyOfRange(rows, from, to), padId);
  }

  /** Returns the number of tokens L of the longest text; 0 when there is none. */
  public int maxLength() {
    int max = 0;
    for (int[] row : rows) {
      max = Math.max(max, row.length);
    }
    return max;
  }

  /**
   * Returns the ids as one row-major array [N, length], filled up on the right with {@link
   * #padId()}.
   *
   * @param length at least {@link #maxLength()}; the context length for an encoder that reads both
   *     ways, to which padding is part of the text
   */
  public long[] padded(int length) {
    if (length < maxLength()) {
      throw new IllegalArgumentException(
          "length " + length + " is shorter than the longest text, " + maxLength() + " tokens");
    }
    long[] ids = new long[rows.length * length];
    Arrays.fill(ids, padId);
    for (int n = 0; n < rows.length; n++) {
      for (int l = 0; l < rows[n].length; l++) {
        ids[n * length + l] = rows[n][l];
      }
    }
    return ids;
  }
}
