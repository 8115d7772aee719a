package org.clip4j.djl;

import java.util.List;
import org.clip4j.Clip;
import org.clip4j.Probabilities;
import org.clip4j.ZeroShotClassifier;

/**
 * What a zero-shot classifier is made of, beside the model.
 *
 * @param probabilities null for the model's own
 */
record Prompts(
    List<String> labels,
    List<String> templates,
    int topK,
    Probabilities probabilities,
    boolean multiLabel) {
  static final int DEFAULT_TOP_K = 5;

  /** Keeps copies. */
  Prompts {
    labels = List.copyOf(labels);
    templates = List.copyOf(templates);
  }

  ZeroShotClassifier classifier(Clip clip) {
    ZeroShotClassifier.Builder builder =
        clip.zeroShot(labels).optTemplates(templates).optTopK(topK);
    if (probabilities != null) {
      builder.optProbabilities(probabilities);
    }
    if (multiLabel) {
      builder.optMultiLabel();
    }
    return builder.build();
  }
}
