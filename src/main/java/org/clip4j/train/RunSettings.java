package org.clip4j.train;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.clip4j.text.Tokenizer;

/**
 * What a training computes with, as texts by name, so that a checkpoint can tell later what
 * changed. A setting counts if another value would give other weights.
 */
final class RunSettings {
  /**
   * The settings that change no weight, or that stand in {@link #of} under another name. A test
   * demands that every setting is here or there.
   */
  static final Set<String> FREE =
      Set.of(
          "pairs", // the data's digest is compared
          "epochs", // totalSteps
          "steps", // totalSteps
          "output",
          "layout",
          "maxSkippedShare", // when to give up
          "decodeThreads",
          "imageCacheBytes",
          "checkpointSteps",
          "checkpointInterval",
          "keepLast",
          "resume",
          "allowedChanges",
          "listeners",
          "evaluations",
          "evaluateEverySteps",
          "bestBy",
          "patience", // when to stop
          "metricsEverySteps");

  private RunSettings() {}

  /** All that count. */
  static Map<String, String> of(TrainingSettings settings) throws IOException {
    long totalSteps = settings.totalSteps();
    Map<String, String> parts = new LinkedHashMap<>();
    put(parts, "model", settings.model.config());
    put(parts, "transform", settings.transform());
    put(parts, "augmentation", settings.augmentation);
    put(parts, "tokenizer", describe(settings.tokenizer()));
    put(parts, "batchSize", settings.batchSize);
    put(parts, "microBatchSize", settings.microBatchSize());
    put(parts, "totalSteps", totalSteps);
    put(parts, "warmupSteps", settings.warmupSteps(totalSteps));
    put(parts, "learningRate", settings.learningRate);
    put(parts, "weightDecay", settings.weightDecay);
    put(parts, "maxGradientNorm", settings.maxGradientNorm);
    put(parts, "seed", settings.seed);
    put(parts, "spreadDuplicates", settings.spreadDuplicates);
    put(parts, "precision", settings.precision);
    put(parts, "devices", 1 + settings.otherDevices().size());
    put(parts, "freezings", settings.freezings);
    put(parts, "learningRateDecay", settings.learningRateDecay);
    put(parts, "layerDecay", settings.layerDecay);
    put(parts, "patchDropout", settings.patchDropout());
    put(parts, "ema", settings.ema);
    return parts;
  }

  /** A record's components each get a line of their own, so that it can be told which differs. */
  private static void put(Map<String, String> parts, String name, Object value) {
    if (value instanceof Record fields) {
      for (RecordComponent component : fields.getClass().getRecordComponents()) {
        try {
          put(parts, name + "." + component.getName(), component.getAccessor().invoke(fields));
        } catch (ReflectiveOperationException e) {
          throw new AssertionError(e); // public records alone are settings
        }
      }
    } else {
      parts.put(name, value instanceof float[] array ? Arrays.toString(array) : "" + value);
    }
  }

  private static String describe(Tokenizer tokenizer) throws IOException {
    StringBuilder text = new StringBuilder(tokenizer.getClass().getSimpleName());
    text.append(", ").append(tokenizer.contextLength()).append(" tokens");
    if (!tokenizer.files().isEmpty()) {
      CRC32C sum = new CRC32C();
      for (Path file : tokenizer.files()) {
        sum.update(Files.readAllBytes(file));
      }
      text.append(String.format(Locale.ROOT, ", files %08x", sum.getValue()));
    }
    return text.toString();
  }

  /**
   * What differs, a line each.
   *
   * @param allowed names that may differ; each stands also for those that continue it after a dot
   */
  static List<String> differences(
      Map<String, String> then, Map<String, String> now, Set<String> allowed) {
    Set<String> names = new LinkedHashSet<>(now.keySet());
    names.addAll(then.keySet());
    List<String> differences = new ArrayList<>();
    for (String name : names) {
      String was = then.getOrDefault(name, "not set");
      String is = now.getOrDefault(name, "not set");
      if (!was.equals(is) && allowed.stream().noneMatch(a -> (name + ".").startsWith(a + "."))) {
        differences.add(name + ": was " + was + ", is " + is);
      }
    }
    return differences;
  }
}
