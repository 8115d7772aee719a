package org.clip4j;

import java.util.Arrays;
import org.clip4j.io.Limits;

/**
 * Compares scores of examples that are of a kind with those of others that are not: the higher a
 * score, the more it speaks for the kind. Immutable.
 */
final class BinaryScores {
  private final double[] positives; // ascending
  private final double[] negatives;

  private BinaryScores(double[] positives, double[] negatives) {
    this.positives = positives;
    this.negatives = negatives;
  }

  /**
   * Takes scores.
   *
   * @param positives of examples of the kind, at least one
   * @param negatives of others, at least one
   * @throws IllegalArgumentException if there are none of one side, or one is not a number
   */
  public static BinaryScores of(double[] positives, double[] negatives) {
    return new BinaryScores(sorted("positive", positives), sorted("negative", negatives));
  }

  private static double[] sorted(String kind, double[] scores) {
    if (scores.length == 0) {
      throw new IllegalArgumentException("at least one " + kind + " example is needed");
    }
    double[] sorted = scores.clone();
    Arrays.sort(sorted);
    if (Double.isNaN(sorted[sorted.length - 1])) {
      throw new IllegalArgumentException("the score of a " + kind + " example is not a number");
    }
    return sorted;
  }

  /**
   * Gives the area under the ROC curve: the probability that a positive scores higher than a
   * negative, ties counting half (Mann and Whitney 1947).
   */
  public double auroc() {
    double pairs = 0;
    for (double positive : positives) {
      pairs += (below(negatives, positive) + notAbove(negatives, positive)) / 2.0;
    }
    return pairs / positives.length / negatives.length;
  }

  /**
   * Holds what is found by accepting from a threshold on.
   *
   * @param threshold a score is accepted if it is as high or higher
   */
  public record Detection(double threshold, double precision, double recall, double f1) {}

  /** Finds the threshold that maximises F1, the score of an example; of several the lowest. */
  public Detection bestF1() {
    Detection best = null;
    for (double threshold : positives) { // accepting down to a negative only costs precision
      int found = positives.length - below(positives, threshold);
      int wrong = negatives.length - below(negatives, threshold);
      double precision = (double) found / (found + wrong);
      double recall = (double) found / positives.length;
      double f1 = 2.0 * found / (found + wrong + positives.length);
      if (best == null || f1 > best.f1) {
        best = new Detection(threshold, precision, recall, f1);
      }
    }
    return best;
  }

  /**
   * Finds the lowest threshold above which there are at most so many of the negatives: the score of
   * one.
   *
   * @param falseAcceptRate share of the negatives, in [0, 1)
   */
  public double thresholdAt(double falseAcceptRate) {
    Limits.share("the false-accept rate", falseAcceptRate);
    int most = negatives.length - 1;
    // The 1e-9 because 0.29 * 100 is less than 29.
    int accepted = Math.min(most, (int) (falseAcceptRate * negatives.length + 1e-9));
    return negatives[most - accepted];
  }

  /** Gives the share of the positives above a threshold. */
  public double trueAcceptRate(double threshold) {
    return share(positives, threshold);
  }

  /** Gives the share of the negatives above a threshold. */
  public double falseAcceptRate(double threshold) {
    return share(negatives, threshold);
  }

  /** Counts the positives. */
  public int positives() {
    return positives.length;
  }

  /** Counts the negatives. */
  public int negatives() {
    return negatives.length;
  }

  private static double share(double[] sorted, double threshold) {
    return (double) (sorted.length - notAbove(sorted, threshold)) / sorted.length;
  }

  /** How many are less than a value. */
  private static int below(double[] sorted, double value) {
    int low = 0;
    for (int high = sorted.length; low < high; ) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static int notAbove(double[] sorted, double value) {
    return below(sorted, Math.nextUp(value));
  }
}
