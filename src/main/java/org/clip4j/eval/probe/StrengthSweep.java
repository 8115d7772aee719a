package org.clip4j.eval.probe;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.internal.LabelledFeatures;
import org.clip4j.eval.probe.LinearProbe.Trial;

/**
 * The search for the L2 strength of Radford et al. 2021, appendix A.3: the values 10^(-6 + i / 8)
 * for i from 0 to 96, of which a first pass tries every sixteenth (1e-6, 1e-4, ... 1e6), and each
 * further pass the two neighbours of the best so far at half the distance, until they are next to
 * it. That is 15 fits (11 where the peak is an end), where trying all takes 97.
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

  /** Better accuracy first; of equal ones the lower cross-entropy, which has no plateaus. */
  private static final Comparator<Trial> BETTER =
      Comparator.comparingDouble(Trial::accuracy)
          .thenComparing(Comparator.comparingDouble(Trial::loss).reversed());

  /**
   * Tries strengths on training examples.
   *
   * @param listener is told of each
   * @return the one with the highest accuracy on other examples
   */
  static Trial choose(
      LogisticRegression regression,
      LabelledFeatures training,
      LabelledFeatures validation,
      int classes,
      Consumer<Trial> listener) {
    try (LogisticRegression.Data data =
        regression.data(training.features(), training.labels(), classes)) {
      return search(
          step -> {
            LogisticRegression.Fit fit = regression.fit(data, c(step));
            float[][] logits = fit.classifier().logits(validation.features());
            Trial trial =
                new Trial(
                    fit.c(),
                    ProbeAccuracy.of(logits, validation.labels()).top1(),
                    crossEntropy(logits, validation.labels()),
                    fit);
            listener.accept(trial);
            return trial;
          },
          BETTER);
    }
  }

  private static double crossEntropy(float[][] logits, int[] labels) {
    double sum = 0;
    for (int i = 0; i < labels.length; i++) {
      double[] probabilities = LinearClassifier.softmax(logits[i]);
      sum -= Math.log(Math.max(probabilities[labels[i]], Double.MIN_NORMAL));
    }
    return sum / labels.length;
  }

  /**
   * Searches.
   *
   * @param trial tries a step from 0 to 96
   * @return the greatest by {@code better}; of equal ones the first, which has the strongest
   *     penalty
   */
  static <T> T search(IntFunction<T> trial, Comparator<T> better) {
    TreeMap<Integer, T> trials = new TreeMap<>();
    for (int step = 0; step <= LAST; step += FIRST_STRIDE) {
      trials.put(step, trial.apply(step));
    }
    for (int stride = FIRST_STRIDE / 2; stride > 0; stride /= 2) {
      int best = best(trials, better);
      for (int step : List.of(best - stride, best + stride)) {
        if (step >= 0 && step <= LAST) {
          trials.put(step, trial.apply(step));
        }
      }
    }
    return trials.get(best(trials, better));
  }

  private static <T> int best(TreeMap<Integer, T> trials, Comparator<T> better) {
    int best = 0;
    for (Map.Entry<Integer, T> entry : trials.entrySet()) {
      if (better.compare(entry.getValue(), trials.get(best)) > 0) {
        best = entry.getKey();
      }
    }
    return best;
  }
}
