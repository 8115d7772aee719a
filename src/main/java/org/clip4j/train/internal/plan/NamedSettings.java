package org.clip4j.train.internal.plan;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;
import org.clip4j.text.Tokenizer;

/**
 * Writes a {@link TrainingPlan} as texts by name, the options' components after a dot, for the
 * report and for {@code run.json}, by which a checkpoint can tell later what changed.
 */
public final class NamedSettings {
  /** The names of settings that change no weight, so that a resumed training may have others. */
  public static final Set<String> FREE =
      Set.of(
          "layout",
          "metricsEverySteps",
          "checkpoints",
          "evaluation",
          "data.maxSkippedShare", // when to give up
          "data.decodeThreads",
          "data.imageCacheBytes");

  private NamedSettings() {}

  /** Returns all settings of a resolved plan. */
  public static Map<String, String> of(TrainingPlan plan) throws IOException {
    Map<String, String> parts = new LinkedHashMap<>();
    put(parts, "model", plan.model.config());
    put(parts, "data", plan.data);
    put(parts, "batchSize", plan.batchSize);
    put(parts, "microBatchSize", plan.microBatchSize);
    put(parts, "totalSteps", plan.steps);
    put(parts, "seed", plan.seed);
    put(parts, "precision", plan.precision);
    put(parts, "devices", 1 + plan.otherDevices().size());
    if (plan.lora != null) {
      parts.put("lora", plan.lora.toString());
    }
    if (plan.teacher != null) {
      parts.put("teacher", plan.teacher.description());
    }
    put(parts, "optimizer", plan.optimizer);
    put(parts, "schedule", plan.schedule);
    put(parts, "checkpoints", plan.checkpoints);
    put(parts, "evaluation", plan.evaluation);
    put(parts, "layout", plan.layout);
    put(parts, "metricsEverySteps", plan.metricsEverySteps);
    return parts;
  }

  /**
   * A record's components each get a line of their own, so that it can be told which differs; what
   * towers have in common is named as their own.
   */
  private static void put(Map<String, String> parts, String name, Object value) throws IOException {
    if (value instanceof Record fields) {
      for (RecordComponent component : fields.getClass().getRecordComponents()) {
        try {
          boolean own = component.getName().equals("shape");
          String part = own ? name : name + "." + component.getName();
          put(parts, part, component.getAccessor().invoke(fields));
        } catch (ReflectiveOperationException e) {
          throw new AssertionError(e); // public records alone are settings
        }
      }
    } else if (value instanceof Tokenizer tokenizer) {
      parts.put(name, describe(tokenizer));
    } else if (name.equals("evaluation.evaluations")) {
      parts.put(name, "" + ((List<?>) value).size()); // code has no text
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
}
