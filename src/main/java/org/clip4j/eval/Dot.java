package org.clip4j.eval;

/** Inner products of embeddings: the same two give the same bits, in whichever order. */
final class Dot {
  private Dot() {}

  /** Cosine similarity of two vectors of unit length and equal length. */
  static float of(float[] a, float[] b) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) { // four sums, for the processor to work on at once
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      s0 += a[i] * b[i];
    }
    return (s0 + s1) + (s2 + s3);
  }
}
