package org.clip4j.eval;

import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.eval.internal.LabelledFeatures;

/**
 * Counts how often a classifier's largest score is that of the right class.
 *
 * <p>A wrong class with the score of the right one counts as higher, and so does one that is not a
 * number: a classifier that says the same of everything is right about nothing.
 *
 * @param examples how many
 * @param top1 share in [0, 1] whose right class has the highest score
 * @param top5 share in [0, 1] whose right class has one of the five highest scores
 * @param meanPerClass the mean of the classes' own top-1 shares, of the classes that have examples;
 *     the measure of the paper for Oxford Pets, Flowers, Caltech-101 and FGVC Aircraft
 */
public record ProbeAccuracy(int examples, double top1, double top5, double meanPerClass) {

  /**
   * Counts the accuracy of scores.
   *
   * @param scores for each example K values, such as logits
   * @param labels for each example the index of its class
   */
  public static ProbeAccuracy of(float[][] scores, int[] labels) {
    if (scores.length == 0 || labels.length != scores.length) {
      throw new IllegalArgumentException(
          "accuracy needs at least one example, and for each its label; found "
              + scores.length
              + " examples and "
              + labels.length
              + " labels");
    }
    int classes = scores[0].length;
    int[] right = new int[classes];
    int amongFive = 0;
    for (int i = 0; i < scores.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            "example " + i + " has label " + labels[i] + ", and there are " + classes + " scores");
      }
      int rank = Answers.rank(scores[i], labels[i]);
      right[labels[i]] += rank == 0 ? 1 : 0;
      amongFive += rank < 5 ? 1 : 0;
    }
    int[] counts = LabelledFeatures.counts(labels, classes);
    double perClass =
        IntStream.range(0, classes)
            .filter(k -> counts[k] > 0)
            .mapToDouble(k -> right[k] / (double) counts[k])
            .average()
            .orElseThrow();
    return new ProbeAccuracy(
        scores.length,
        IntStream.of(right).sum() / (double) scores.length,
        amongFive / (double) scores.length,
        perClass);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%,d examples: top-1 %.1f %%, top-5 %.1f %%, mean per class %.1f %%",
        examples,
        100 * top1,
        100 * top5,
        100 * meanPerClass);
  }
}
