package org.clip4j.eval;

import java.util.List;
import java.util.Locale;

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
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            "example " + i + " has label " + labels[i] + ", and there are " + classes + " scores");
      }
    }
    double[] shares = Answers.of(scores, labels, classes, List.of(own -> own)).shares();
    return new ProbeAccuracy(scores.length, shares[0], shares[1], shares[2]);
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
