package org.clip4j.examples.app.train;

import java.nio.file.Path;
import org.clip4j.examples.options.Range;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.options.CheckpointOptions;
import picocli.CommandLine.Option;

/** Options that say when a training is saved, and whether one that was saved goes on. */
public final class SavingOptions {
  @Option(
      names = "--checkpoint-steps",
      defaultValue = "0",
      description = "Saves a checkpoint after every so many steps (0: by the clock alone).")
  @Range(min = 0)
  private long checkpointSteps;

  @Option(
      names = "--checkpoint-minutes",
      defaultValue = "15",
      description =
          "Saves a checkpoint so many minutes after the last, when the training ends, and when"
              + " Ctrl-C ends it (0: not by the clock).")
  @Range(min = 0, below = 1e9)
  private double checkpointMinutes;

  @Option(names = "--keep", defaultValue = "3", description = "Checkpoints to keep, the last ones.")
  @Range(min = 1)
  private int keep;

  @Option(
      names = "--resume",
      description =
          "Goes on from the last checkpoint in the output folder, with the options as they were.")
  private boolean resume;

  @Option(
      names = "--allow-changes",
      paramLabel = "NAMES",
      split = ",",
      description =
          "Settings that may differ when resuming, for example totalSteps,schedule.warmupSteps.")
  private String[] allowedChanges = {};

  /** Sets what was said. */
  public void apply(CheckpointOptions.Builder options) {
    options.optKeepLast(keep).optResume(resume).optAllowedChanges(allowedChanges);
    if (checkpointSteps > 0) {
      options.optEverySteps(checkpointSteps);
    }
    if (checkpointMinutes > 0) {
      options.optEveryMinutes(checkpointMinutes);
    }
  }

  /** How a training that was stopped goes on. */
  public String goOn(TrainingResult result, Path out) {
    return checkpointSteps > 0 || checkpointMinutes > 0 || resume
        ? "Stopped after step "
            + result.steps()
            + ", of which a checkpoint is in "
            + out.resolve("checkpoints")
            + "; the same command with --resume goes on from there"
        : "Stopped after step "
            + result.steps()
            + " without a checkpoint, as asked; --model "
            + out
            + " trains on from this model";
  }
}
