package org.clip4j.examples.app.tune;

import java.util.List;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraOptions;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.options.Freezing;
import org.clip4j.weights.Layout;

/** Ways to fine-tune; docs/fine-tuning.md gives the reasons for the numbers. */
public enum TuneMethod {
  /** A low-rank adapter. */
  LORA(2e-4, 20, "a low-rank adapter"),
  /** All weights, against one prompt for each class, or captions. */
  FULL(1e-5, 10, "all weights"),
  /** All weights, as in pre-training, against random prompts. */
  FLYP(1e-5, 10, "all weights"),
  /** The projections. */
  HEAD(1e-4, 10, "the two projections alone");

  private static final String PROMPT = "a photo of a {}.";

  private final double learningRate;
  private final int epochs;
  private final String words;

  TuneMethod(double learningRate, int epochs, String words) {
    this.learningRate = learningRate;
    this.epochs = epochs;
    this.words = words;
  }

  /** The highest learning rate, if none is asked for. */
  public double learningRate() {
    return learningRate;
  }

  /** Passes over the images, if no number is asked for: many over few, few over many. */
  public int epochs(int pairs) {
    return pairs < 300 ? 2 * epochs : pairs < 3000 ? epochs : Math.max(1, epochs / 2);
  }

  /** Pairs in a step, if no number is asked for. */
  public static int batchSize(int pairs) {
    return Math.min(pairs < 300 ? 32 : pairs < 3000 ? 64 : 128, Math.max(2, pairs / 2));
  }

  /** What is trained, in words. */
  public String words() {
    return words;
  }

  /** The prompts to train on, of those that classify. */
  List<String> prompts(List<String> templates) {
    return this == FLYP ? templates : List.of(templates.size() == 1 ? templates.get(0) : PROMPT);
  }

  /** Sets what is trained, and what counts as a negative. */
  void apply(ClipTrainer.Builder builder) {
    builder.optData(data -> data.optSpreadDuplicates(this != FLYP));
    if (this == LORA) {
      builder.optLora(LoraOptions.DEFAULT);
    } else if (this == HEAD) {
      builder.optOptimizer(optimizer -> optimizer.optFreeze(Freezing.allButProjections()));
    }
  }

  /**
   * Checks that this can train a model, before anything is trained.
   *
   * @throws IllegalArgumentException if it cannot
   */
  void requireSuits(ClipConfig config) {
    try {
      if (this == LORA) {
        trained(config);
        Layout.TRANSFORMERS.requireHolds(config);
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "lora does not suit this model, but full, flyp and head do: " + e.getMessage(), e);
    }
  }

  /** How many values are trained. */
  long trained(ClipConfig config) {
    if (this == LORA) {
      return LoraAdapter.create(config, LoraOptions.DEFAULT, 0).parameterCount();
    }
    Freezing freezing = Freezing.allButProjections();
    return ParameterSpec.of(config).stream()
        .filter(spec -> !spec.buffer())
        .filter(spec -> this != HEAD || !freezing.freezes(config, spec.name()))
        .mapToLong(ParameterSpec::count)
        .sum();
  }
}
