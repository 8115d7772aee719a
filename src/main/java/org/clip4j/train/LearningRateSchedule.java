package org.clip4j.train;

/**
 * Linear warm-up, then a decay (open_clip_train/scheduler.py).
 *
 * @param base the highest learning rate
 * @param warmupSteps steps over which it rises; 0 for none
 * @param totalSteps steps of the whole training
 * @param decay what follows the warm-up
 */
record LearningRateSchedule(
    double base, long warmupSteps, long totalSteps, LearningRateDecay decay) {

  /**
   * The learning rate of one step.
   *
   * @param step counted from 0
   */
  double at(long step) {
    return step < warmupSteps
        ? base * (step + 1) / warmupSteps
        : decay.at(step, base, warmupSteps, totalSteps);
  }
}
