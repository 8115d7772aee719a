package org.clip4j.train.monitor;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reports that the loss or a gradient was not a number, or infinite. The weights are as they were
 * before the step; they are not saved.
 */
public final class TrainingDivergedException extends IllegalStateException {
  private final transient Finding finding;
  private final transient @Nullable Path batch;

  /** Makes the exception of a finding. */
  public TrainingDivergedException(Finding finding, @Nullable Path batch) {
    super(finding.message() + " " + finding.remedy());
    this.finding = finding;
    this.batch = batch;
  }

  /** Returns what happened, with the numbers. */
  public Finding finding() {
    return finding;
  }

  /** Returns the folder where the step's batch was saved; empty without an output folder. */
  public Optional<Path> batch() {
    return Optional.ofNullable(batch);
  }
}
