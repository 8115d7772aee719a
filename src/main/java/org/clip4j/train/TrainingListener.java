package org.clip4j.train;

/** Told of a training's progress, on the training thread. What it throws ends the training. */
@FunctionalInterface
public interface TrainingListener {

  /** After every step. */
  void onStep(TrainingProgress progress);
}
