package org.clip4j.eval;

import java.util.List;
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
    List<EmbeddingClassifier> classifiers =
        zeroShot == null ? List.of(probe) : List.of(probe, zeroShot);
    Answers answers = Answers.of(features, labels, classes, classifiers);
    Bootstrap bootstrap = new Bootstrap(RESAMPLES, seed);
    List<ClassMetrics> metrics = answers.metrics(bootstrap);
    return zeroShot == null
        ? new ProbeEvaluation(metrics.get(0), null, null)
        : new ProbeEvaluation(metrics.get(0), metrics.get(1), answers.gain(0, 1, bootstrap));
  }
}
