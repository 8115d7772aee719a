package org.clip4j.eval.internal;

/** Inner products of embeddings: the same two give the same bits, in whichever order. */
public final class Dot {
  private Dot() {}

  /** Cosine similarity of two vectors of unit length and equal length. */
  public static float of(float[] a, float[] b) {
    return of(a, 0, b, 0, a.length);
  }

  /** As {@link #of(float[], float[])}, of vectors inside of longer arrays. */
  public static float of(float[] a, int aFrom, float[] b, int bFrom, int length) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    int i = 0;
    for (; i + 3 < length; i += 4) { // four sums, for the processor to work on at once
      s0 += a[aFrom + i] * b[bFrom + i];
      s1 += a[aFrom + i + 1] * b[bFrom + i + 1];
      s2 += a[aFrom + i + 2] * b[bFrom + i + 2];
      s3 += a[aFrom + i + 3] * b[bFrom + i + 3];
    }
    for (; i < length; i++) {
      s0 += a[aFrom + i] * b[bFrom + i];
    }
    return (s0 + s1) + (s2 + s3);
  }
}
