package org.clip4j.train;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.clip4j.train.monitor.RunSummary;
import org.jspecify.annotations.Nullable;

/**
 * Says what a training did.
 *
 * @param output the folder where the model is, or null if none was set
 * @param steps steps done, by earlier runs that this one continues too
 * @param resumedAt how many of them earlier runs did; 0 if this one began the training
 * @param cancelled whether it was stopped from outside before its last step
 * @param losses of each step's batch
 * @param samples pairs trained on, each counted as often as it was
 * @param elapsed time in the training loop, earlier runs included, evaluations not
 * @param unreadable how many images could not be read and were skipped
 * @param unreadableExamples the names of the first of them
 * @param summary evaluations and findings
 */
public record TrainingResult(
    @Nullable Path output,
    long steps,
    long resumedAt,
    boolean cancelled,
    float[] losses,
    long samples,
    Duration elapsed,
    int unreadable,
    List<String> unreadableExamples,
    RunSummary summary) {

  /** Copies the losses and the names. */
  public TrainingResult {
    losses = losses.clone();
    unreadableExamples = List.copyOf(unreadableExamples);
  }

  /** Returns a copy of the losses. */
  @Override
  public float[] losses() {
    return losses.clone();
  }

  /** Returns the pairs per second over the whole training loop. */
  public double samplesPerSecond() {
    return samples / (elapsed.toNanos() / 1e9);
  }

  @Override
  public String toString() {
    String skipped =
        unreadable == 0
            ? ""
            : ", "
                + unreadable
                + " unreadable images skipped, the first: "
                + unreadableExamples.get(0);
    return String.format(
        Locale.ROOT,
        "%s%d steps%s%s, %d pairs in %.1f s (%.1f pairs/s), last loss %.4f%s",
        cancelled ? "cancelled after " : "",
        steps,
        summary.stoppedEarly() ? " (stopped early)" : "",
        resumedAt == 0 ? "" : " (" + resumedAt + " of them before)",
        samples,
        elapsed.toNanos() / 1e9,
        samplesPerSecond(),
        losses.length == 0 ? Float.NaN : losses[losses.length - 1],
        skipped);
  }
}
