package org.clip4j.search;

import java.util.Arrays;
import org.clip4j.search.Vectors.Arrangement;
import org.clip4j.search.Vectors.Piece;

/**
 * Inner products of queries and the rows of a piece. The same query and row give the same bits in
 * either layout and whatever else is computed with them: values whose position is i mod 8 go into
 * the i-th of eight sums, which are added in one order.
 */
final class InnerProducts {
  private static final int SUMS = 8;

  /**
   * Rows in {@link Arrangement#ROWS} that are copied at once: at 512 dimensions half of a core's
   * L2.
   */
  private static final int ROWS_AT_ONCE = 64;

  private final int dimensions;
  private final float[][][] sums; // [queries][SUMS][BLOCK]
  private final float[] column = new float[Vectors.BLOCK];
  private float[] rows;

  /** What is done with the scores of a query and some rows that follow each other. */
  @FunctionalInterface
  interface Sink {
    /**
     * Takes them.
     *
     * @param scores one for each row, from 0 on; the array is used again
     */
    void accept(int query, int firstRow, int count, float[] scores);
  }

  /**
   * @param queries how many there are at most
   */
  InnerProducts(int queries, int dimensions) {
    this.dimensions = dimensions;
    sums = new float[queries][SUMS][Vectors.BLOCK];
  }

  /** Of all queries and the rows of a piece. */
  void of(float[][] queries, Piece piece, Sink sink) {
    if (piece.layout() == Arrangement.COLUMNS) {
      for (int block = 0; block < piece.count(); block += Vectors.BLOCK) {
        columns(queries, piece, block, sink);
      }
    } else {
      for (int row = 0; row < piece.count(); row += ROWS_AT_ONCE) {
        rows(queries, piece, row, Math.min(ROWS_AT_ONCE, piece.count() - row), sink);
      }
    }
  }

  private void columns(float[][] queries, Piece piece, int block, Sink sink) {
    int count = Math.min(Vectors.BLOCK, piece.count() - block);
    for (int q = 0; q < queries.length; q++) {
      for (float[] sum : sums[q]) {
        Arrays.fill(sum, 0);
      }
    }
    for (int d = 0; d < dimensions; d++) {
      // Copied, since the compiler makes no vector instructions of loops over mapped memory, nor
      // over parts of arrays that begin at different positions.
      piece.values().get(block * dimensions + d * Vectors.BLOCK, column, 0, Vectors.BLOCK);
      for (int q = 0; q < queries.length; q++) {
        addScaled(queries[q][d], column, sums[q][d % SUMS]);
      }
    }
    for (int q = 0; q < queries.length; q++) {
      float[][] s = sums[q];
      total(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
      sink.accept(q, piece.first() + block, count, s[0]);
    }
  }

  private static void addScaled(float factor, float[] column, float[] sum) {
    for (int i = 0; i < Vectors.BLOCK; i++) {
      sum[i] += factor * column[i];
    }
  }

  private static void total(
      float[] s0,
      float[] s1,
      float[] s2,
      float[] s3,
      float[] s4,
      float[] s5,
      float[] s6,
      float[] s7) {
    for (int i = 0; i < Vectors.BLOCK; i++) {
      s0[i] = ((s0[i] + s1[i]) + (s2[i] + s3[i])) + ((s4[i] + s5[i]) + (s6[i] + s7[i]));
    }
  }

  private void rows(float[][] queries, Piece piece, int row, int count, Sink sink) {
    float[] values = rows;
    int offset = 0;
    if (piece.isMapped()) {
      if (values == null) {
        values = rows = new float[ROWS_AT_ONCE * dimensions];
      }
      piece.values().get(row * dimensions, values, 0, count * dimensions);
    } else {
      values = piece.values().array();
      offset = row * dimensions;
    }
    for (int q = 0; q < queries.length; q++) {
      float[] scores = sums[q][0];
      for (int i = 0; i < count; i++) {
        scores[i] = of(queries[q], values, offset + i * dimensions);
      }
      sink.accept(q, piece.first() + row, count, scores);
    }
  }

  /** Of a query and the row that begins at a position. */
  static float of(float[] query, float[] values, int at) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int i = 0;
    for (; i < query.length - 7; i += SUMS) {
      s0 += query[i] * values[at + i];
      s1 += query[i + 1] * values[at + i + 1];
      s2 += query[i + 2] * values[at + i + 2];
      s3 += query[i + 3] * values[at + i + 3];
      s4 += query[i + 4] * values[at + i + 4];
      s5 += query[i + 5] * values[at + i + 5];
      s6 += query[i + 6] * values[at + i + 6];
      s7 += query[i + 7] * values[at + i + 7];
    }
    int left = query.length - i;
    s0 += left > 0 ? query[i] * values[at + i] : 0;
    s1 += left > 1 ? query[i + 1] * values[at + i + 1] : 0;
    s2 += left > 2 ? query[i + 2] * values[at + i + 2] : 0;
    s3 += left > 3 ? query[i + 3] * values[at + i + 3] : 0;
    s4 += left > 4 ? query[i + 4] * values[at + i + 4] : 0;
    s5 += left > 5 ? query[i + 5] * values[at + i + 5] : 0;
    s6 += left > 6 ? query[i + 6] * values[at + i + 6] : 0;
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }
}
