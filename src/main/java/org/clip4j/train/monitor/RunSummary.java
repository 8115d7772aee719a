package org.clip4j.train.monitor;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Says what was seen of a training.
 *
 * @param evaluations in the order of their steps
 * @param best the one that was best by the chosen metric; null if none was chosen or evaluated
 * @param findings what was found wrong, each once
 * @param stoppedEarly whether the training ended since the metric no longer improved
 */
public record RunSummary(
    List<Evaluated> evaluations,
    @Nullable Evaluated best,
    List<Finding> findings,
    boolean stoppedEarly) {

  /**
   * Holds the values of an evaluation.
   *
   * @param step after which it was made; 0 before the first
   * @param values by name
   */
  public record Evaluated(long step, Map<String, Double> values) {
    /** Copies the values, in their order. */
    public Evaluated {
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }
  }

  /** Copies the lists. */
  public RunSummary {
    evaluations = List.copyOf(evaluations);
    findings = List.copyOf(findings);
  }
}
