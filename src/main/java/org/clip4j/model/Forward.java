package org.clip4j.model;

import org.clip4j.engine.TorchScript;

/** What a forward pass is for. */
public enum Forward {
  /** Embeddings for use: nothing is recorded, batch norms use their running statistics. */
  EVALUATE,
  /**
   * A training step: recorded for a backward pass, batch norms use the batch's statistics and
   * update the running ones.
   */
  TRAIN,
  /**
   * A first look at what {@link #TRAIN} will compute: the same values, but running statistics stay
   * as they are.
   */
  TRAIN_AHEAD;

  TorchScript.Mode mode() {
    return this == EVALUATE ? TorchScript.Mode.INFERENCE : TorchScript.Mode.TRAINING;
  }
}
