package org.clip4j.train.internal.monitor;

import java.util.List;
import org.clip4j.train.monitor.RunSummary.Evaluated;

/** The best evaluation by one of its values, of which higher is better, and how long ago it was. */
final class BestStep {
  private final String metric;
  private final int patience;
  private Evaluated best;
  private int since;

  /**
   * Knows no evaluation yet.
   *
   * @param metric the value's name; null for none, and then there is no best
   * @param patience evaluations without a better one after which it is enough; 0 for never
   */
  BestStep(String metric, int patience) {
    this.metric = metric;
    this.patience = patience;
  }

  /**
   * Takes an evaluation in.
   *
   * @return whether it is the best so far; an equal one is not, nor is NaN
   * @throws IllegalArgumentException if the evaluation does not have the value
   */
  boolean isBest(Evaluated evaluated) {
    if (metric == null) {
      return false;
    }
    Double value = evaluated.values().get(metric);
    if (value == null) {
      throw new IllegalArgumentException(
          "the best step is chosen by "
              + metric
              + "; evaluated are "
              + evaluated.values().keySet());
    }
    if (best == null ? !value.isNaN() : value > best.values().get(metric)) {
      best = evaluated;
      since = 0;
      return true;
    }
    since++;
    return false;
  }

  /** Takes in evaluations of before; those without the value do not count. */
  void recall(List<Evaluated> earlier) {
    earlier.stream().filter(old -> old.values().containsKey(metric)).forEach(this::isBest);
  }

  boolean isEnough() {
    return patience > 0 && since >= patience;
  }

  /** Null if there is none. */
  Evaluated best() {
    return best;
  }
}
