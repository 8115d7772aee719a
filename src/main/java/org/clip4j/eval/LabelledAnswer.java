package org.clip4j.eval;

import java.io.Serializable;

/**
 * Says what a classifier makes of one image; {@link ClassMetrics#of(int, java.util.List, int,
 * long)} counts such answers, wherever they were made.
 *
 * @param label the image's class
 * @param answer the class that fits best; of equal ones a wrong one
 * @param amongFive whether the label is among the five classes that fit best
 */
public record LabelledAnswer(int label, int answer, boolean amongFive) implements Serializable {

  /**
   * Makes it of scores.
   *
   * @param scores of each class, that which fits best the largest
   */
  public static LabelledAnswer of(float[] scores, int label) {
    return new LabelledAnswer(
        label, Answers.answer(scores, label), Answers.rank(scores, label) < 5);
  }
}
