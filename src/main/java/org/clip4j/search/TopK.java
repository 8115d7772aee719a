package org.clip4j.search;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The k best of the scores that it is shown. Of equal scores the lower row is better, whatever the
 * order in which they come. Takes no more memory than there are rows, whatever k is.
 */
final class TopK {
  private static final Comparator<Hit> WORST_FIRST =
      (a, b) ->
          a.score() != b.score()
              ? Float.compare(a.score(), b.score())
              : Integer.compare(b.row(), a.row()); // so 0 and -0 are equal

  private final int k;
  private final PriorityQueue<Hit> best = new PriorityQueue<>(WORST_FIRST);
  private float worst; // of the best, once there are k

  TopK(int k) {
    this.k = k;
  }

  /** Shows it the scores of rows that follow each other. */
  void addAll(int firstRow, int count, float[] of) {
    for (int i = 0; i < count; i++) {
      if (best.size() < k || of[i] >= worst) {
        best.add(new Hit(firstRow + i, of[i]));
        if (best.size() > k) {
          best.poll();
        }
        worst = best.peek().score();
      }
    }
  }

  /** Takes the entries out, best first. */
  List<Hit> drain() {
    List<Hit> hits = new ArrayList<>(best.size());
    while (!best.isEmpty()) {
      hits.add(best.poll());
    }
    Collections.reverse(hits);
    return hits;
  }
}
