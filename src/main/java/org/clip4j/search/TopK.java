package org.clip4j.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The k best of the scores that it is shown: a heap whose root is the worst of them. Of equal
 * scores the lower row is better, whatever the order in which they come.
 */
final class TopK {
  private static final int START = 64;

  private final int k;
  private float[] scores;
  private int[] rows;
  private int size;

  TopK(int k) {
    this.k = k;
    // grows as rows come, so that a k of any size costs no more memory than there are rows
    scores = new float[Math.min(k, START)];
    rows = new int[scores.length];
  }

  /** Shows it the scores of rows that follow each other. */
  void addAll(int firstRow, int count, float[] of) {
    for (int i = 0; i < count; i++) {
      if (size < k || of[i] >= scores[0]) {
        add(firstRow + i, of[i]);
      }
    }
  }

  void add(int row, float score) {
    if (size < k) {
      if (size == scores.length) {
        int longer = (int) Math.min(k, 2L * size);
        scores = Arrays.copyOf(scores, longer);
        rows = Arrays.copyOf(rows, longer);
      }
      int i = size++;
      while (i > 0 && worse(row, score, (i - 1) / 2)) {
        set(i, rows[(i - 1) / 2], scores[(i - 1) / 2]);
        i = (i - 1) / 2;
      }
      set(i, row, score);
    } else if (!worse(row, score, 0)) {
      sink(row, score);
    }
  }

  /** Puts an entry in the place of the root. */
  private void sink(int row, float score) {
    int i = 0;
    while (true) {
      int child = 2 * i + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && worse(rows[child + 1], scores[child + 1], child)) {
        child++;
      }
      if (!worse(rows[child], scores[child], row, score)) {
        break;
      }
      set(i, rows[child], scores[child]);
      i = child;
    }
    set(i, row, score);
  }

  private void set(int i, int row, float score) {
    rows[i] = row;
    scores[i] = score;
  }

  private boolean worse(int row, float score, int than) {
    return worse(row, score, rows[than], scores[than]);
  }

  private static boolean worse(int row, float score, int otherRow, float otherScore) {
    return score < otherScore || score == otherScore && row > otherRow;
  }

  /** The entries, best first. Takes them out. */
  List<Hit> drain() {
    Hit[] hits = new Hit[size];
    while (size > 0) {
      hits[size - 1] = new Hit(rows[0], scores[0]);
      size--;
      if (size > 0) {
        sink(rows[size], scores[size]);
      }
    }
    return new ArrayList<>(List.of(hits));
  }
}
