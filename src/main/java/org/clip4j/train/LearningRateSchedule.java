package org.clip4j.train;

/**
 * Linear warm-up, then half a cosine down to zero (open_clip_train's {@code cosine_lr}).
 *
 * @param base the highest learning rate
 * @param warmupSteps steps over which it rises; 0 for none
 * @param totalSteps steps of the whole training
 */
record LearningRateSchedule(double base, long warmupSteps, long totalSteps) {

  /**
   * The learning rate of one step.
   *
   * @param step counted from 0
   */
  double at(long step) {
    if (step < warmupSteps) {
      return base * (step + 1) / warmupSteps;
    }
    double progress = (double) (step - warmupSteps) / (totalSteps - warmupSteps);
    return 0.5 * (1 + Math.cos(Math.PI * progress)) * base;
  }
}
