package org.clip4j.djl;

import java.util.List;
import org.clip4j.Clip;
import org.clip4j.ZeroShotClassifier;

/** What a zero-shot classifier is made of, beside the model. */
record Prompts(List<String> labels, List<String> templates, int topK) {
  static final int DEFAULT_TOP_K = 5;

  /** Keeps copies. */
  Prompts {
    labels = List.copyOf(labels);
    templates = List.copyOf(templates);
  }

  ZeroShotClassifier classifier(Clip clip) {
    return clip.zeroShot(labels).templates(templates).optTopK(topK).build();
  }
}
