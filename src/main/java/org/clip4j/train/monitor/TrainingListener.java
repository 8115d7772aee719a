package org.clip4j.train.monitor;

/** Told of a training's progress, on the training thread. What it throws ends the training. */
@FunctionalInterface
public interface TrainingListener {

  /** After every step. */
  void onStep(TrainingProgress progress);

  /** After every evaluation. */
  default void onEvaluation(RunSummary.Evaluated evaluated) {}

  /** Once for each thing that is found wrong, when it is found. */
  default void onFinding(Finding finding) {}
}
