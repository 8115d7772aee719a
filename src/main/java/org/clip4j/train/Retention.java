package org.clip4j.train;

import java.util.Collection;
import java.util.List;

/**
 * Which checkpoints are kept: the last ones, and the best.
 *
 * @param last how many of the last, at least 1
 */
record Retention(int last) {

  /**
   * The steps whose checkpoints may go.
   *
   * @param steps of all complete checkpoints
   * @param best the step of the best so far; null if nothing was measured
   */
  List<Long> obsolete(Collection<Long> steps, Long best) {
    List<Long> sorted = steps.stream().sorted().toList();
    return sorted.subList(0, Math.max(0, sorted.size() - last)).stream()
        .filter(step -> !step.equals(best))
        .toList();
  }
}
