package org.clip4j.model;

/** Says how a text's feature becomes its embedding. */
public enum TextProjection {
  /** Multiplied by a matrix [D, E]. */
  MATRIX,
  /** A linear layer [E, D] with bias. */
  LINEAR,
  /** Not at all: D is E. */
  NONE
}
