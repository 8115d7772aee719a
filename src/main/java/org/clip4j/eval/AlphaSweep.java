package org.clip4j.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.WeightAverage;

/**
 * Measures models along the line from a base to its fine-tuned self, each with its accuracy on the
 * task that was tuned for and on shifted data (WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903,
 * figure 1).
 *
 * @param points ascending by alpha, at least one
 */
public record AlphaSweep(List<Point> points) {

  /** Checks the order. */
  public AlphaSweep {
    points = List.copyOf(points);
    if (points.isEmpty()) {
      throw new IllegalArgumentException("a sweep over alpha needs at least one point");
    }
    for (int i = 1; i < points.size(); i++) {
      if (!(points.get(i - 1).alpha < points.get(i).alpha)) {
        throw new IllegalArgumentException(
            "the alphas of a sweep must ascend, found "
                + points.get(i - 1).alpha
                + " before "
                + points.get(i).alpha);
      }
    }
  }

  /**
   * Holds the accuracies of one model, as shares.
   *
   * @param target on the task that was tuned for
   * @param shift on shifted data, or on any other that must not be forgotten
   */
  public record Accuracies(double target, double shift) {}

  /**
   * Describes one model.
   *
   * @param alpha its share of the tuned model
   * @param validation what alpha is chosen by
   * @param test what is reported; no choice depends on it
   */
  public record Point(double alpha, Accuracies validation, Accuracies test) {}

  /** Says how the best alpha is chosen, by validation accuracies alone. */
  public enum Rule {
    /** The highest accuracy on the target. */
    TARGET(Accuracies::target),

    /** The highest mean of the accuracies on the target and on the shift. */
    MEAN(accuracies -> (accuracies.target + accuracies.shift) / 2);

    private final ToDoubleFunction<Accuracies> value;

    Rule(ToDoubleFunction<Accuracies> value) {
      this.value = value;
    }
  }

  /**
   * Measures the model of each alpha.
   *
   * @param alphas in any order; each outside [0, 1] is an error
   * @param measure encodes with a model, and gives its point's validation and test accuracies
   * @throws IllegalArgumentException if there are no alphas, or the checkpoints are not of one
   *     architecture
   */
  public static AlphaSweep run(
      Checkpoint base,
      Checkpoint tuned,
      List<Double> alphas,
      Function<WeightAverage, Measured> measure) {
    if (alphas.isEmpty()) {
      throw new IllegalArgumentException("a sweep needs at least one alpha, such as 0, 0.1, … 1");
    }
    List<Double> sorted = alphas.stream().distinct().sorted().toList();
    List<WeightAverage> models =
        sorted.stream().map(alpha -> WeightAverage.between(base, tuned, alpha)).toList();
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < sorted.size(); i++) {
      Measured measured = measure.apply(models.get(i));
      points.add(new Point(sorted.get(i), measured.validation, measured.test));
    }
    return new AlphaSweep(points);
  }

  /**
   * Holds what was measured of one model.
   *
   * @param validation on examples to choose by
   * @param test on others
   */
  public record Measured(Accuracies validation, Accuracies test) {}

  /**
   * Chooses by validation accuracies; of equal ones the smallest alpha, which is nearest to what
   * the base knew.
   */
  public Point best(Rule rule) {
    return points.stream()
        .max(
            Comparator.<Point>comparingDouble(point -> rule.value.applyAsDouble(point.validation))
                .thenComparing(Comparator.comparingDouble(Point::alpha).reversed()))
        .orElseThrow();
  }
}
