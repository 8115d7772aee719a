package org.clip4j.eval;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntToDoubleFunction;

/**
 * The search for the L2 strength of Radford et al. 2021, appendix A.3: the values 10^(-6 + i / 8)
 * for i from 0 to 96, of which a first pass tries every sixteenth (1e-6, 1e-4, ... 1e6), and each
 * further pass the two neighbours of the best so far at half the distance, until they are next to
 * it. That is 15 fits, where trying all takes 97.
 */
final class StrengthSweep {
  private static final int PER_DECADE = 8;
  private static final int LAST = 12 * PER_DECADE;
  private static final int FIRST_STRIDE = 2 * PER_DECADE;

  private StrengthSweep() {}

  /** The C of a step; for the paper's lambda, its inverse. */
  static double c(int step) {
    return Math.pow(10, -6 + step / (double) PER_DECADE);
  }

  /** The step with the highest score; of equal ones the first, which is the strongest penalty. */
  static int search(IntToDoubleFunction score) {
    Map<Integer, Double> scores = new TreeMap<>();
    for (int step = 0; step <= LAST; step += FIRST_STRIDE) {
      scores.put(step, score.applyAsDouble(step));
    }
    for (int stride = FIRST_STRIDE / 2; stride > 0; stride /= 2) {
      int best = best(scores);
      for (int step : List.of(best - stride, best + stride)) {
        if (step >= 0 && step <= LAST) {
          scores.put(step, score.applyAsDouble(step));
        }
      }
    }
    return best(scores);
  }

  private static int best(Map<Integer, Double> scores) {
    int best = 0;
    for (Map.Entry<Integer, Double> entry : scores.entrySet()) {
      if (entry.getValue() > scores.get(best)) {
        best = entry.getKey();
      }
    }
    return best;
  }
}
