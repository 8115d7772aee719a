package org.clip4j.eval.probe;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.eval.EffectiveRobustness;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.internal.LabelledFeatures;

/**
 * Fits linear probes of different accuracy, as baselines for {@link EffectiveRobustness}: each is
 * fitted on a few examples of each class, {@link FewShot}'s draws, so that they show what accuracy
 * on the source set alone brings on a shifted one. The paper's baselines are 204 ImageNet models.
 */
public final class ProbeBaselines {
  private ProbeBaselines() {}

  /**
   * Fits them, at {@link FewShot#DEFAULT_C}.
   *
   * @param features N embeddings of D values
   * @param labels for each the index of its class; every class has as many as the most shots
   * @param classes how many there are, at least 2
   * @param shots examples of each class
   * @param seeds draws of each
   * @return by name, for example "4-shot probe 0"; the last number is the draw's seed
   */
  public static Map<String, EmbeddingClassifier> fit(
      float[][] features, int[] labels, int classes, int[] shots, int seeds) {
    LabelledFeatures all = LabelledFeatures.check("training", features, labels, classes);
    int[] counts = LabelledFeatures.counts(labels, classes);
    int fewest = Arrays.stream(counts).min().orElse(0);
    LogisticRegression fitter = LogisticRegression.create().optC(FewShot.DEFAULT_C);
    Map<String, EmbeddingClassifier> probes = new LinkedHashMap<>();
    for (int each : shots) {
      if (each < 1 || each > fewest) {
        throw new IllegalArgumentException(
            "a probe of "
                + each
                + " shots needs that many examples of each class, and one class has "
                + fewest
                + "; shots are from 1 to that");
      }
      for (int seed = 0; seed < seeds; seed++) {
        LabelledFeatures drawn = all.select(LabelledDraw.shots(labels, classes, each, seed));
        probes.put(
            each + "-shot probe " + seed,
            fitter.fit(drawn.features(), drawn.labels(), classes).classifier());
      }
    }
    return probes;
  }

  /** Returns 1, 2, 4, … up to the fewest examples of a class, at most 16. */
  public static int[] shots(int[] labels, int classes) {
    int fewest = Arrays.stream(LabelledFeatures.counts(labels, classes)).min().orElse(0);
    return List.of(1, 2, 4, 8, 16).stream()
        .filter(each -> each <= fewest)
        .mapToInt(each -> each)
        .toArray();
  }
}
