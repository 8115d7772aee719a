package org.clip4j;

import java.util.Comparator;
import java.util.List;
import org.clip4j.io.Limits;
import org.jspecify.annotations.Nullable;

/**
 * Holds what a {@link ZeroShotClassifier} says of an image.
 *
 * @param labels what the image shows: the most probable label; or in multi-label answers every one
 *     whose probability reaches its threshold, most probable first. Empty if it is none of them
 * @param scores of every label, in the order in which the classifier has them
 * @param unknownCheck what the classifier's rule for unknown images said; null if it has none
 */
public record ZeroShotAnswer(
    List<String> labels, List<LabelScore> scores, @Nullable UnknownCheck unknownCheck) {

  /** Keeps copies of the lists. */
  public ZeroShotAnswer {
    labels = List.copyOf(labels);
    scores = List.copyOf(scores);
  }

  /** Tells whether the image shows none of the labels, by the rule or by the thresholds. */
  public boolean isUnknown() {
    return labels.isEmpty();
  }

  /**
   * Gives the score of the most probable label, known or not; of equal ones that with the best
   * cosine.
   */
  public LabelScore best() {
    return top(1).get(0);
  }

  /**
   * Gives the scores of the most probable labels, best first.
   *
   * @param k at least 1; all if there are fewer
   */
  public List<LabelScore> top(int k) {
    return scores.stream()
        .sorted(
            Comparator.comparingDouble(LabelScore::probability)
                .thenComparingDouble(LabelScore::cosine)
                .reversed())
        .limit(Limits.atLeast("top-k", 1, k))
        .toList();
  }

  /**
   * Gives the score of one label.
   *
   * @throws IllegalArgumentException if the classifier does not have it
   */
  public LabelScore score(String label) {
    List<String> all = scores.stream().map(LabelScore::label).toList();
    LabelChecks.known(all, label);
    return scores.get(all.indexOf(label));
  }
}
