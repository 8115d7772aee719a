package org.clip4j.search;

/** placeholder */
final class Relevance {
  Relevance(float[] background, int count) {}

  double[] chances(float[] scores) {
    return new double[scores.length];
  }
}
