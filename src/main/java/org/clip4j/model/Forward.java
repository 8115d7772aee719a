package org.clip4j.model;

import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.TorchScript;

/**
 * What a forward pass is for, and in which precision it is computed. The constants are in float32.
 *
 * @param purpose what is recorded and kept
 * @param precision of matrix products and attention; embeddings are float32 in every one
 */
public record Forward(Purpose purpose, Precision precision) {

  /** Embeddings for use: nothing is recorded, batch norms use their running statistics. */
  public static final Forward EVALUATE = new Forward(Purpose.EVALUATE, Precision.FP32);

  /**
   * A training step: recorded for a backward pass, batch norms use the batch's statistics and
   * update the running ones, except in blocks none of whose parameters is trained.
   */
  public static final Forward TRAIN = new Forward(Purpose.TRAIN, Precision.FP32);

  /**
   * A first look at what {@link #TRAIN} will compute: the same values, but running statistics stay
   * as they are.
   */
  public static final Forward TRAIN_AHEAD = new Forward(Purpose.TRAIN_AHEAD, Precision.FP32);

  /**
   * The values of {@link #EVALUATE}, recorded for a backward pass to what lies between the input
   * and the embedding.
   */
  public static final Forward EXPLAIN = new Forward(Purpose.EXPLAIN, Precision.FP32);

  /** What a forward pass is for; see the constants of {@link Forward}. */
  public enum Purpose {
    EVALUATE,
    TRAIN,
    TRAIN_AHEAD,
    EXPLAIN
  }

  /** Returns the same pass in another precision. */
  public Forward in(Precision other) {
    return new Forward(purpose, other);
  }

  TorchScript.Mode mode() {
    return purpose == Purpose.EVALUATE ? TorchScript.Mode.INFERENCE : TorchScript.Mode.TRAINING;
  }
}
