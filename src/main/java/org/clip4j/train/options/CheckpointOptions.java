package org.clip4j.train.options;

import java.time.Duration;
import java.util.Set;
import org.clip4j.io.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Says when a training saves checkpoints, how many are kept, and whether it continues from one.
 *
 * <p>A checkpoint is a folder {@code checkpoints/step-N} in the output folder: the model as it then
 * is, in the training's layout, and all else that is needed to go on as if nothing had happened. A
 * training with checkpoints also saves one when it ends or is cancelled. If one cannot be saved,
 * for example because the disk is full, that is logged as an error and the training goes on; the
 * earlier ones stay.
 *
 * @param everySteps steps from one checkpoint to the next; 0 for none by steps
 * @param interval time from one checkpoint to the next; null for none by time
 * @param keepLast how many of the last checkpoints are kept, at least 1
 * @param resume whether the training continues from the output folder's last checkpoint
 * @param allowedChanges names of settings that may differ from those of the resumed training
 */
public record CheckpointOptions(
    long everySteps,
    @Nullable Duration interval,
    int keepLast,
    boolean resume,
    Set<String> allowedChanges) {

  /** The options of a training that sets none: it saves no checkpoints. */
  public static final CheckpointOptions DEFAULT =
      new CheckpointOptions(0, null, 3, false, Set.of());

  /** Checks the ranges. */
  public CheckpointOptions {
    Limits.atLeast("checkpoint steps", 0, everySteps);
    Limits.atLeast("kept checkpoints", 1, keepLast);
    allowedChanges = Set.copyOf(allowedChanges);
  }

  /** Starts with the defaults. */
  public static Builder builder() {
    return DEFAULT.toBuilder();
  }

  /** Starts with these options. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Returns whether anything is saved that a training can be resumed from. */
  public boolean isOn() {
    return everySteps > 0 || interval != null || resume;
  }

  /** Sets the options that differ from the defaults. */
  public static final class Builder {
    private long everySteps;
    private @Nullable Duration interval;
    private int keepLast;
    private boolean resume;
    private Set<String> allowedChanges;

    private Builder(CheckpointOptions from) {
      everySteps = from.everySteps;
      interval = from.interval;
      keepLast = from.keepLast;
      resume = from.resume;
      allowedChanges = from.allowedChanges;
    }

    /** Saves a checkpoint after every so many steps; by default not. */
    public Builder optEverySteps(long steps) {
      this.everySteps = Limits.atLeast("checkpoint steps", 1, steps);
      return this;
    }

    /**
     * Saves a checkpoint after the first step that ends so many minutes after the last was saved;
     * by default not. Together with {@link #optEverySteps} either is enough.
     */
    public Builder optEveryMinutes(double minutes) {
      if (!(minutes > 0 && minutes < 1e9)) {
        throw new IllegalArgumentException(
            "minutes between checkpoints must be above 0, found " + minutes);
      }
      this.interval = Duration.ofNanos((long) (minutes * 60e9));
      return this;
    }

    /** Sets how many of the last checkpoints are kept; by default 3. Older ones are deleted. */
    public Builder optKeepLast(int checkpoints) {
      this.keepLast = checkpoints;
      return this;
    }

    /**
     * Continues from the output folder's last checkpoint that is whole, or starts anew if there is
     * none; by default false, and checkpoints in the folder are an error.
     *
     * <p>The weights of the model that was set are replaced by the saved ones. On the same machine
     * the training ends with the weights, bit by bit, that it would have had without a break.
     * Settings that change the weights, and the pairs, must be as they were, see {@link
     * #optAllowedChanges}.
     */
    public Builder optResume(boolean resume) {
      this.resume = resume;
      return this;
    }

    /**
     * Names settings that may differ from those of the training that is resumed; by default none.
     * For example {@code totalSteps} and {@code schedule.warmupSteps} to train for more epochs, or
     * {@code pairs}. The error that names what differs has their names.
     */
    public Builder optAllowedChanges(String... names) {
      this.allowedChanges = Set.of(names);
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public CheckpointOptions build() {
      return new CheckpointOptions(everySteps, interval, keepLast, resume, allowedChanges);
    }
  }
}
