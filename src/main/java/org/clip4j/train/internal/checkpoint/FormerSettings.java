package org.clip4j.train.internal.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Reads the settings of checkpoints of format 1, whose names were not grouped. */
final class FormerSettings {
  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("transform", "data.transform"),
          Map.entry("tokenizer", "data.tokenizer"),
          Map.entry("augmentation", "data.augmentation"),
          Map.entry("patchDropout.share", "data.patchDropout"),
          Map.entry("spreadDuplicates", "data.spreadDuplicates"),
          Map.entry("weightDecay", "optimizer.weightDecay"),
          Map.entry("maxGradientNorm", "optimizer.maxGradientNorm"),
          Map.entry("layerDecay", "optimizer.layerDecay"),
          Map.entry("ema.decay", "optimizer.averageDecay"),
          Map.entry("ema.warmup", "optimizer.averageWarmup"),
          Map.entry("freezings", "optimizer.freezings"),
          Map.entry("learningRate", "schedule.learningRate"),
          Map.entry("warmupSteps", "schedule.warmupSteps"),
          Map.entry("learningRateDecay", "schedule.decay"));

  /** What follows from other settings, or is compared with the saved model's configuration. */
  private static final Set<String> DROPPED = Set.of("ema", "patchDropout", "model");

  private FormerSettings() {}

  /** Returns the same settings under the names that they have now. */
  static Map<String, String> named(Map<String, String> former) {
    Map<String, String> named = new LinkedHashMap<>();
    named.put("optimizer.beta1", "0.9"); // these could not be set
    named.put("optimizer.beta2", "0.98");
    named.put("optimizer.epsilon", "1.0E-6");
    named.put("optimizer.averageDecay", "0.0"); // unless the next lines say otherwise
    named.put("optimizer.averageWarmup", "false");
    named.put("data.patchDropout", "0.0");
    former.forEach(
        (name, value) -> {
          String first = name.split("\\.", 2)[0];
          String rest = name.substring(first.length());
          if (NAMES.containsKey(name)) {
            named.put(NAMES.get(name), value);
          } else if (NAMES.containsKey(first)) {
            named.put(NAMES.get(first) + rest, value);
          } else if (!DROPPED.contains(first)) {
            named.put(name, value);
          }
        });
    return named;
  }
}
