package org.clip4j;

import java.io.Serializable;
import java.util.Locale;
import java.util.Objects;
import org.clip4j.io.Limits;

/**
 * Says when an image counts as none of a classifier's labels: where a score that says how clear the
 * answer is does not exceed a threshold. {@link ZeroShotClassifier#fitUnknown} finds the threshold
 * for a chosen false-accept rate.
 *
 * @param score what is compared
 * @param threshold in [0, 1]
 */
public record UnknownRule(Score score, double threshold) implements Serializable {

  /** Says how clear an answer is, from 0 to 1. */
  public enum Score {
    /** The highest probability less the second-highest. */
    MARGIN,

    /**
     * 1 less the entropy of the probabilities, brought to sum 1, over that of as many equal ones.
     */
    ENTROPY,

    /**
     * The softmax of two, the scaled cosines of the label and of the background prompt that fit
     * best: 0.5 where both fit as well.
     */
    BACKGROUND
  }

  /** Checks the threshold. */
  public UnknownRule {
    Objects.requireNonNull(score, "score");
    Limits.within("the threshold of the " + name(score) + " rule", 0, 1, threshold);
  }

  /** Makes an image unknown where the two highest probabilities differ by no more. */
  public static UnknownRule margin(double threshold) {
    return new UnknownRule(Score.MARGIN, threshold);
  }

  /**
   * Makes an image unknown where the probabilities are no further from equal ones, see {@link
   * Score#ENTROPY}.
   */
  public static UnknownRule entropy(double threshold) {
    return new UnknownRule(Score.ENTROPY, threshold);
  }

  /**
   * Makes an image unknown where a background prompt fits so well, see {@link Score#BACKGROUND}.
   */
  public static UnknownRule background(double threshold) {
    return new UnknownRule(Score.BACKGROUND, threshold);
  }

  /** "margin". */
  static String name(Score score) {
    return score.name().toLowerCase(Locale.ROOT);
  }
}
