package org.clip4j.eval;

import java.nio.FloatBuffer;
import java.util.function.ObjIntConsumer;

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
    return of(
        rows.length,
        width,
        (target, from) -> {
          for (int i = from; target.hasRemaining(); i++) {
            target.put(rows[i]);
          }
        });
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
    return of(
        values.length / width,
        width,
        (target, from) -> target.put(values, from * width, target.remaining()));
  }

  private static EmbeddingRows of(int count, int width, ObjIntConsumer<FloatBuffer> copier) {
    record Rows(int count, int width, ObjIntConsumer<FloatBuffer> copier) implements EmbeddingRows {
      @Override
      public void copy(int from, FloatBuffer target) {
        copier.accept(target, from);
      }
    }
    return new Rows(count, width, copier);
  }
}
