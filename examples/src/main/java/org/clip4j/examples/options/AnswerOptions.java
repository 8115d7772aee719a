package org.clip4j.examples.options;

import java.util.List;
import java.util.Map;
import org.clip4j.Probabilities;
import org.clip4j.UnknownRule;
import org.clip4j.ZeroShotClassifier;
import picocli.CommandLine.Option;

/** Options that say what answer a classifier gives: one label, several or none. */
public final class AnswerOptions {
  @Option(
      names = "--probabilities",
      paramLabel = "KIND",
      description =
          "How they are made: softmax, sigmoid or background (against the background prompts). Without it, as the model was trained.")
  private Probabilities probabilities;

  @Option(
      names = "--multi-label",
      description = "Judge every label for itself: an image may show none of them or several.")
  private boolean multiLabel;

  @Option(
      names = "--threshold",
      paramLabel = "P",
      description = "From which probability a label judged for itself holds (0.5).")
  @Range(min = 0, max = 1)
  private Double threshold;

  @Option(
      names = "--unknown",
      paramLabel = "RULE=T",
      description =
          "Answer that it is none of the labels where margin, entropy or background is not above T, from 0 to 1; for example margin=0.1.")
  @Range(min = 0, max = 1)
  private Map<UnknownRule.Score, Double> unknown = Map.of();

  @Option(
      names = "--background-prompt",
      defaultValue = "a photo",
      paramLabel = "TEXT",
      description = "What may be said of any image; may be given several times.")
  private List<String> backgroundPrompts;

  /** Whether every label is judged for itself. */
  public boolean multiLabel() {
    return multiLabel;
  }

  /** Builds the classifier that answers so. */
  public ZeroShotClassifier apply(ZeroShotClassifier.Builder builder) {
    builder.optBackgroundPrompts(backgroundPrompts);
    if (probabilities != null) {
      builder.optProbabilities(probabilities);
    }
    if (multiLabel) {
      builder.optMultiLabel();
    }
    if (threshold != null) {
      builder.optThreshold(threshold);
    }
    if (unknown.size() > 1) {
      throw new IllegalArgumentException("--unknown takes one rule, found " + unknown.keySet());
    }
    unknown.forEach((score, value) -> builder.optUnknown(new UnknownRule(score, value)));
    return builder.build();
  }
}
