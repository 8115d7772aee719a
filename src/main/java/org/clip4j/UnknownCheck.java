package org.clip4j;

import java.util.Locale;

/**
 * Holds what an {@link UnknownRule} said of an image.
 *
 * @param rule with its threshold
 * @param score of the image, in [0, 1]
 */
public record UnknownCheck(UnknownRule rule, double score) {

  /**
   * Tells whether the image counts as none of the labels; so does one whose score is not a number.
   */
  public boolean isUnknown() {
    return !(score > rule.threshold());
  }

  /** Gives it in words, as "margin 0.031, not above 0.2". */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s %.4g, %s %.4g",
        UnknownRule.name(rule.score()),
        score,
        isUnknown() ? "not above" : "above",
        rule.threshold());
  }
}
