package org.clip4j.search;

/**
 * Says in what form an {@link ExactIndex} goes through its rows. The vectors themselves stay in
 * their files; of the rows that the shorter forms find, some times as many as were asked for, they
 * decide which are the best, by the same scores as without quantization.
 */
public enum Quantization {
  /** The vectors as they are, 4 bytes for each value: every score is exact. */
  NONE(1),

  /** A byte for each value. */
  INT8(4),

  /** A bit for each value. */
  BINARY(10);

  private final int oversampling;

  Quantization(int oversampling) {
    this.oversampling = oversampling;
  }

  /** How many times as many rows as were asked for are scored exactly, unless that is set. */
  int oversampling() {
    return oversampling;
  }
}
