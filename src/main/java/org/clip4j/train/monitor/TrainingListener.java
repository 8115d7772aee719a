package org.clip4j.train.monitor;

/** Receives a training's progress, on the training thread. What it throws ends the training. */
@FunctionalInterface
public interface TrainingListener {

  /** Receives the progress after every step. */
  void onStep(TrainingProgress progress);

  /** Receives the values of every evaluation. */
  default void onEvaluation(RunSummary.Evaluated evaluated) {}

  /** Receives each thing that is found wrong, once, when it is found. */
  default void onFinding(Finding finding) {}
}
