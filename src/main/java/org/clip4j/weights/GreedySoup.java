package org.clip4j.weights;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Finds the greedy soup of several runs (Wortsman et al. 2022, arXiv 2203.05482, recipe 1): the
 * best run, then in descending order each other one whose addition to the mean does not lower the
 * score on validation data.
 *
 * @param members the runs that were kept, as indices of those given, in the order they were added
 * @param score of their mean
 * @param trials every mean that was measured, in order: first each run alone, then each addition
 * @param average the mean of the members
 */
public record GreedySoup(
    List<Integer> members, double score, List<Trial> trials, WeightAverage average) {

  /** Makes the lists unmodifiable. */
  public GreedySoup {
    members = List.copyOf(members);
    trials = List.copyOf(trials);
  }

  /**
   * Describes a mean that was measured.
   *
   * @param members the runs in it
   * @param score on validation data
   * @param kept whether the last of them stayed in the soup; of a run alone, whether it is the
   *     first
   */
  public record Trial(List<Integer> members, double score, boolean kept) {}

  /**
   * Makes a soup. Each run is measured alone, and each but the best once more within the soup.
   *
   * @param runs at least one, of one architecture; the caller's to close
   * @param validation measures a model, more is better, on data that neither trained the runs nor
   *     will test the soup
   * @throws IllegalArgumentException if there is no run, they are not of one architecture, or a
   *     score is not a number
   */
  public static GreedySoup of(List<Checkpoint> runs, ToDoubleFunction<WeightAverage> validation) {
    WeightAverage.uniform(runs); // before hours of measuring: are they alike?
    double[] alone = new double[runs.size()];
    for (int i = 0; i < alone.length; i++) {
      alone[i] = score(validation, WeightAverage.uniform(List.of(runs.get(i))), runs.get(i));
    }
    List<Integer> order =
        IntStream.range(0, alone.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -alone[i])) // stable
            .toList();
    List<Trial> trials = new ArrayList<>();
    for (int i = 0; i < alone.length; i++) {
      trials.add(new Trial(List.of(i), alone[i], i == order.get(0)));
    }
    List<Integer> members = new ArrayList<>(order.subList(0, 1));
    WeightAverage average = mean(runs, members);
    double best = alone[order.get(0)];
    for (int next : order.subList(1, order.size())) {
      List<Integer> with = new ArrayList<>(members);
      with.add(next);
      WeightAverage tried = mean(runs, with);
      double score = score(validation, tried, runs.get(next));
      boolean kept = score >= best;
      trials.add(new Trial(List.copyOf(with), score, kept));
      if (kept) {
        members = with;
        average = tried;
        best = score;
      }
    }
    return new GreedySoup(members, best, trials, average);
  }

  private static WeightAverage mean(List<Checkpoint> runs, List<Integer> members) {
    return WeightAverage.uniform(members.stream().map(runs::get).toList());
  }

  private static double score(
      ToDoubleFunction<WeightAverage> validation, WeightAverage average, Checkpoint last) {
    double score = validation.applyAsDouble(average);
    if (Double.isNaN(score)) {
      throw new IllegalArgumentException(
          "the score with "
              + last.weights()
              + " is not a number, so that soups cannot be compared");
    }
    return score;
  }
}
