package org.clip4j.train.options;

import org.clip4j.io.Limits;

/**
 * Says how the learning rate runs after its linear rise, as open_clip_train's {@code
 * --lr-scheduler} names it: cosine, const, const-cooldown.
 */
public final class LearningRateDecay {
  private enum Kind {
    COSINE,
    CONSTANT,
    COOLDOWN
  }

  private final Kind kind;
  private final long cooldownSteps;
  private final double power;
  private final double end;

  private LearningRateDecay(Kind kind, long cooldownSteps, double power, double end) {
    this.kind = kind;
    this.cooldownSteps = cooldownSteps;
    this.power = power;
    this.end = end;
  }

  /** Returns half a cosine down to 0 at the end of the training. */
  public static LearningRateDecay cosine() {
    return new LearningRateDecay(Kind.COSINE, 0, 1, 0);
  }

  /** Returns a rate that does not decay. */
  public static LearningRateDecay constant() {
    return new LearningRateDecay(Kind.CONSTANT, 0, 1, 0);
  }

  /**
   * Returns a rate that does not decay until the last steps, then linearly to 0.
   *
   * @param steps the last ones, at least 1
   */
  public static LearningRateDecay constantWithCooldown(long steps) {
    return constantWithCooldown(steps, 1, 0);
  }

  /**
   * Returns a rate that does not decay until the last steps, then runs from the highest rate to the
   * last as (1 - share of these steps done) to a power.
   *
   * @param steps the last ones, at least 1
   * @param power above 0; 1 is linear
   * @param end the learning rate that is approached, at least 0
   */
  public static LearningRateDecay constantWithCooldown(long steps, double power, double end) {
    Limits.atLeast("cooldown steps", 1, steps);
    Limits.aboveZero("cooldown power", power);
    Limits.notNegative("the learning rate at the end of the cooldown", end);
    return new LearningRateDecay(Kind.COOLDOWN, steps, power, end);
  }

  /** The learning rate of a step, counted from 0, after the rise. */
  double at(long step, double base, long warmupSteps, long totalSteps) {
    return switch (kind) {
      case CONSTANT -> base;
      case COSINE -> {
        double progress = (double) (step - warmupSteps) / (totalSteps - warmupSteps);
        yield 0.5 * (1 + Math.cos(Math.PI * progress)) * base;
      }
      case COOLDOWN -> {
        long start = totalSteps - cooldownSteps;
        double left = 1 - (double) (step - start) / cooldownSteps;
        yield step < start ? base : Math.pow(left, power) * (base - end) + end;
      }
    };
  }

  /** Describes these settings, for comparing and showing them. */
  @Override
  public String toString() {
    return switch (kind) {
      case COSINE -> "cosine";
      case CONSTANT -> "constant";
      case COOLDOWN ->
          "constant, cooldown of " + cooldownSteps + " steps, power " + power + ", to " + end;
    };
  }
}
