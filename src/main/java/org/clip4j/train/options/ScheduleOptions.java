package org.clip4j.train.options;

import org.clip4j.io.Limits;

/**
 * Says how the learning rate runs over the steps: a linear rise, then a decay
 * (open_clip_train/scheduler.py).
 *
 * @param learningRate the highest learning rate
 * @param warmupSteps steps over which it rises; -1 for a twentieth of all
 * @param decay what follows the rise
 */
public record ScheduleOptions(double learningRate, long warmupSteps, LearningRateDecay decay) {

  /** The options of a training that sets none. */
  public static final ScheduleOptions DEFAULT =
      new ScheduleOptions(5e-4, -1, LearningRateDecay.cosine());

  /** Checks the ranges. */
  public ScheduleOptions {
    Limits.notNegative("learning rate", learningRate);
    Limits.atLeast("warm-up steps", -1, warmupSteps);
  }

  /** Starts with the defaults. */
  public static Builder builder() {
    return DEFAULT.toBuilder();
  }

  /** Starts with these options. */
  public Builder toBuilder() {
    return new Builder(this);
  }

  /** Returns the same with the number of warm-up steps that a training of so many steps has. */
  public ScheduleOptions resolved(long totalSteps) {
    return new ScheduleOptions(
        learningRate,
        warmupSteps >= 0 ? Math.min(warmupSteps, totalSteps - 1) : totalSteps / 20,
        decay);
  }

  /**
   * Returns the learning rate of one step.
   *
   * @param step counted from 0
   * @param totalSteps steps of the whole training
   */
  public double rate(long step, long totalSteps) {
    long warmup = resolved(totalSteps).warmupSteps;
    return step < warmup
        ? learningRate * (step + 1) / warmup
        : decay.at(step, learningRate, warmup, totalSteps);
  }

  /** Sets the options that differ from the defaults. */
  public static final class Builder {
    private double learningRate;
    private long warmupSteps;
    private LearningRateDecay decay;

    private Builder(ScheduleOptions from) {
      learningRate = from.learningRate;
      warmupSteps = from.warmupSteps;
      decay = from.decay;
    }

    /** Sets the highest learning rate; by default 5e-4. */
    public Builder optLearningRate(double learningRate) {
      this.learningRate = learningRate;
      return this;
    }

    /** Sets the steps over which the learning rate rises; by default a twentieth of all. */
    public Builder optWarmupSteps(long warmupSteps) {
      this.warmupSteps = Limits.atLeast("warm-up steps", 0, warmupSteps);
      return this;
    }

    /** Sets how the learning rate runs after its rise; by default a half cosine to 0. */
    public Builder optDecay(LearningRateDecay decay) {
      this.decay = decay;
      return this;
    }

    /**
     * Builds the options.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public ScheduleOptions build() {
      return new ScheduleOptions(learningRate, warmupSteps, decay);
    }
  }
}
