package org.clip4j.search.lucene;

import org.apache.commons.numbers.gamma.RegularizedBeta;

/**
 * Which entries stand out from the others for a query.
 *
 * <p>Scores of what has nothing to do with a query are taken to be distributed as cosines of
 * vectors in few dimensions are: (1 + cosine) / 2 follows a beta distribution, whose mean and
 * variance are those of the scores of the collection, or of a sample of it. From this background an
 * entry gets a p-value, the chance of such a score or a higher one, and the p-values are judged as
 * Benjamini and Hochberg (1995) do: an entry's false-discovery rate is its p-value times the number
 * of entries over its rank, or that of a later entry if it is lower. So where many entries stand
 * out, each is let in more easily, and where none does, none is.
 *
 * <p>The background needs some dozens of different vectors, most of them irrelevant.
 */
final class Relevance {
  private final double a;
  private final double b;
  private final int count;

  /**
   * Models the background.
   *
   * @param background scores of the collection or a sample
   * @param count how many entries are judged
   */
  Relevance(float[] background, int count) {
    this.count = count;
    double mean = 0;
    for (float score : background) {
      mean += (1 + score) / 2 / background.length;
    }
    double variance = 0;
    for (float score : background) {
      variance += Math.pow((1 + score) / 2 - mean, 2) / background.length;
    }
    // The mean and variance of a beta distribution give its parameters.
    double sum = mean * (1 - mean) / variance - 1;
    a = mean * sum;
    b = (1 - mean) * sum;
  }

  /** The false-discovery rates of the best entries, whose scores fall. */
  double[] chances(float[] scores) {
    double[] chances = new double[scores.length];
    double least = 1;
    for (int i = scores.length - 1; i >= 0; i--) {
      least = Math.min(least, pValue(scores[i]) * count / (i + 1));
      chances[i] = least;
    }
    return chances;
  }

  private double pValue(float score) {
    double x = Math.max(0, Math.min(1, (1 + (double) score) / 2));
    // All alike, or as many at either end as can be: nothing stands out.
    return a > 0 && b > 0 && Double.isFinite(a + b) ? RegularizedBeta.complement(x, a, b) : 1;
  }
}
