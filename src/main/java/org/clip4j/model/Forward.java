package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.TorchScript;
import org.jspecify.annotations.Nullable;

/**
 * Says what a forward pass is for, and in which precision it is computed. The constants are in
 * float32.
 *
 * @param purpose what is recorded and kept
 * @param precision of matrix products and attention; embeddings are float32 in every one
 * @param adapter what is added to linear maps; null for the adapter that is attached to the model,
 *     if there is one
 * @param rows [N], int64, a number for each row of the batch from which it follows what the
 *     adapter's dropout leaves out; null where nothing is left out
 */
public record Forward(
    Purpose purpose,
    Precision precision,
    @Nullable AppliedAdapter adapter,
    @Nullable NDArray rows) {

  /** Embeddings for use: nothing is recorded, batch norms use their running statistics. */
  public static final Forward EVALUATE = of(Purpose.EVALUATE);

  /**
   * A training step: recorded for a backward pass, batch norms use the batch's statistics and
   * update the running ones, except in blocks none of whose parameters is trained.
   */
  public static final Forward TRAIN = of(Purpose.TRAIN);

  /**
   * A first look at what {@link #TRAIN} will compute: the same values, but running statistics stay
   * as they are.
   */
  public static final Forward TRAIN_AHEAD = of(Purpose.TRAIN_AHEAD);

  /**
   * The values of {@link #EVALUATE}, recorded for a backward pass to what lies between the input
   * and the embedding.
   */
  public static final Forward EXPLAIN = of(Purpose.EXPLAIN);

  /** Says what a forward pass is for; see the constants of {@link Forward}. */
  public enum Purpose {
    EVALUATE,
    TRAIN,
    TRAIN_AHEAD,
    EXPLAIN
  }

  /** Returns the same pass in another precision. */
  public Forward in(Precision other) {
    return new Forward(purpose, other, adapter, rows);
  }

  /** Returns the same pass with an adapter. */
  public Forward with(AppliedAdapter applied) {
    return new Forward(purpose, precision, applied, rows);
  }

  /** Returns the same pass with dropout, if an adapter has any; for training. */
  public Forward dropping(@Nullable NDArray byRow) {
    return new Forward(purpose, precision, adapter, byRow);
  }

  private static Forward of(Purpose purpose) {
    return new Forward(purpose, Precision.FP32, null, null);
  }

  TorchScript.Mode mode() {
    return purpose == Purpose.EVALUATE ? TorchScript.Mode.INFERENCE : TorchScript.Mode.TRAINING;
  }
}
