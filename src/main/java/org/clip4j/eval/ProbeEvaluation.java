package org.clip4j.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.eval.internal.LabelledFeatures;
import org.jspecify.annotations.Nullable;

/**
 * Compares a probe and a zero-shot classifier on the same test embeddings, as in figure 5 of
 * Radford et al. 2021.
 *
 * @param probe its measures
 * @param zeroShot its measures; null if there is none
 * @param zeroShotLessProbe the difference of their top-1 shares, with the interval of the
 *     differences in the same resamples; null if there is no zero-shot classifier
 */
public record ProbeEvaluation(
    ClassMetrics probe, @Nullable ClassMetrics zeroShot, @Nullable Interval zeroShotLessProbe) {

  private static final int RESAMPLES = 1000;

  /**
   * Measures both on the same embeddings.
   *
   * @param features N embeddings that the probe was not fitted on
   * @param labels for each the index of its class
   * @param classes how many there are
   * @param probe {@link org.clip4j.eval.probe.LinearProbe#classifier()}, or any other
   * @param zeroShot null for none
   * @param seed of the intervals' bootstrap
   */
  public static ProbeEvaluation of(
      float[][] features,
      int[] labels,
      int classes,
      EmbeddingClassifier probe,
      @Nullable EmbeddingClassifier zeroShot,
      long seed) {
    LabelledFeatures.check("test", features, labels, classes);
    List<EmbeddingClassifier> classifiers = new ArrayList<>();
    classifiers.add(probe);
    if (zeroShot != null) {
      classifiers.add(zeroShot);
    }
    int[][] answers = new int[classifiers.size()][labels.length];
    boolean[][] amongFive = new boolean[classifiers.size()][labels.length];
    for (int k = 0; k < classifiers.size(); k++) {
      int at = k;
      IntStream.range(0, labels.length)
          .parallel()
          .forEach(
              i -> {
                float[] scores = classifiers.get(at).scores(features[i]);
                answers[at][i] = Answers.answer(scores, labels[i]);
                amongFive[at][i] = Answers.rank(scores, labels[i]) < 5;
              });
    }
    Bootstrap bootstrap = new Bootstrap(RESAMPLES, seed);
    List<ClassMetrics> metrics = ClassMetrics.of(classes, labels, answers, amongFive, bootstrap);
    if (zeroShot == null) {
      return new ProbeEvaluation(metrics.get(0), null, null);
    }
    return new ProbeEvaluation(
        metrics.get(0),
        metrics.get(1),
        ClassMetrics.gain(labels, answers[0], answers[1], bootstrap));
  }
}
