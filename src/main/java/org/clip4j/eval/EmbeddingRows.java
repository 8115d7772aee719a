package org.clip4j.eval;

import java.nio.FloatBuffer;

/**
 * Gives a table of vectors that may be too large for the heap, read a few rows at a time.
 * Implementations are safe for use by several threads.
 */
public interface EmbeddingRows {

  /** Returns how many vectors there are. */
  int count();

  /** Returns the number of values of each vector. */
  int width();

  /**
   * Copies vectors, one after the other.
   *
   * @param from index of the first
   * @param target filled; its remaining values are a multiple of {@link #width()}
   */
  void copy(int from, FloatBuffer target);

  /**
   * Wraps vectors in the heap; they are not copied.
   *
   * @param rows all of one length
   */
  static EmbeddingRows of(float[][] rows) {
    int width = rows.length == 0 ? 0 : rows[0].length;
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != width) {
        throw new IllegalArgumentException(
            "vector " + i + " has " + rows[i].length + " values, and the first has " + width);
      }
    }
    return new EmbeddingRows() {
      @Override
      public int count() {
        return rows.length;
      }

      @Override
      public int width() {
        return width;
      }

      @Override
      public void copy(int from, FloatBuffer target) {
        for (int i = from; target.hasRemaining(); i++) {
          target.put(rows[i]);
        }
      }
    };
  }

  /**
   * Wraps vectors that stand one after the other in one array; they are not copied.
   *
   * @param width of each
   */
  static EmbeddingRows of(float[] values, int width) {
    if (width < 1 || values.length % width != 0) {
      throw new IllegalArgumentException(
          values.length + " values do not make vectors of " + width + " each");
    }
    return new EmbeddingRows() {
      @Override
      public int count() {
        return values.length / width;
      }

      @Override
      public int width() {
        return width;
      }

      @Override
      public void copy(int from, FloatBuffer target) {
        target.put(values, from * width, target.remaining());
      }
    };
  }
}
