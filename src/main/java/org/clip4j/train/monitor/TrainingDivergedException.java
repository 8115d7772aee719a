package org.clip4j.train.monitor;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The loss or a gradient was not a number, or infinite. The weights are as they were before the
 * step; they are not saved.
 */
public final class TrainingDivergedException extends IllegalStateException {
  private final transient Finding finding;
  private final transient Path batch;

  public TrainingDivergedException(Finding finding, Path batch) {
    super(finding.message() + " " + finding.remedy());
    this.finding = finding;
    this.batch = batch;
  }

  /** What happened, with the numbers. */
  public Finding finding() {
    return finding;
  }

  /** The folder where the step's batch was saved; null without an output folder. */
  public @Nullable Path batch() {
    return batch;
  }
}
