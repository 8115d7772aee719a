package org.clip4j.search.internal;

/** Refuses vectors that an index cannot compare. */
public final class VectorCheck {

  private VectorCheck() {}

  /** Refuses a vector that would give wrong answers. */
  public static void of(float[] vector, int dimensions, String what) {
    if (vector.length != dimensions) {
      throw new IllegalArgumentException(
          what
              + " has "
              + vector.length
              + " values, but those of the index have "
              + dimensions
              + "; they come from different models");
    }
    for (int i = 0; i < dimensions; i++) {
      if (!Float.isFinite(vector[i])) {
        throw new IllegalArgumentException(
            what + " has the value " + vector[i] + " at position " + i + ", which is not finite");
      }
    }
  }
}
