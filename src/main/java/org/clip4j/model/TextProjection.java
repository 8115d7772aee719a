package org.clip4j.model;

/** Says how a text's feature becomes its embedding. */
public enum TextProjection {
  /** A matrix [D, E]. */
  MATRIX,
  /** A linear layer [E, D] with bias. */
  LINEAR,
  /** No projection: D is E. */
  NONE
}
