package org.clip4j.train.internal.checkpoint;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.data.internal.loader.LoaderPosition;

/**
 * All of a training's state between two steps that is not a tensor. Whatever is random in a
 * training follows from its seed and from the step or the pair, so there is no random state.
 *
 * @param step steps done
 * @param samples pairs trained on, each counted as often as it was
 * @param elapsed time in the training loop, of all runs together
 * @param position where the next batch starts
 * @param settings all, by name
 * @param data see {@link org.clip4j.data.PairFeed#digest}
 * @param environment see {@link org.clip4j.engine.internal.Environment}
 * @param parts scalars of each {@link StatefulPart}, by its name
 */
record RunState(
    long step,
    long samples,
    Duration elapsed,
    LoaderPosition position,
    Map<String, String> settings,
    Map<String, String> data,
    Map<String, String> environment,
    JsonObject parts) {

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("step", step);
    json.addProperty("samples", samples);
    json.addProperty("elapsed_millis", elapsed.toMillis());
    json.add("position", GSON.toJsonTree(position));
    json.add("settings", GSON.toJsonTree(settings));
    json.add("data", GSON.toJsonTree(data));
    json.add("environment", GSON.toJsonTree(environment));
    json.add("parts", parts);
    return json;
  }

  /**
   * What {@link #toJson} wrote.
   *
   * @throws IllegalArgumentException naming what is missing or wrong
   */
  static RunState fromJson(JsonObject json) {
    return new RunState(
        StatefulPart.count(json, "step"),
        StatefulPart.count(json, "samples"),
        Duration.ofMillis(StatefulPart.count(json, "elapsed_millis")),
        position(object(json, "position")),
        texts(json, "settings"),
        texts(json, "data"),
        texts(json, "environment"),
        object(json, "parts"));
  }

  private static LoaderPosition position(JsonObject json) {
    return new LoaderPosition(
        Math.toIntExact(StatefulPart.count(json, "epoch")),
        Math.toIntExact(StatefulPart.count(json, "batch")),
        StatefulPart.count(json, "offset"),
        StatefulPart.count(json, "read"),
        StatefulPart.count(json, "used"),
        StatefulPart.count(json, "skipped"));
  }

  /** Returns the state of a checkpoint of format 1 as this version writes it. */
  RunState ofFormerSettings() {
    return new RunState(
        step, samples, elapsed, position, FormerSettings.named(settings), data, environment, parts);
  }

  static JsonObject object(JsonObject json, String name) {
    if (json.get(name) instanceof JsonObject object) {
      return object;
    }
    throw new IllegalArgumentException(name + " is no object: " + json.get(name));
  }

  private static Map<String, String> texts(JsonObject json, String name) {
    Map<String, String> texts = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> entry : object(json, name).entrySet()) {
      if (!(entry.getValue() instanceof JsonPrimitive value) || !value.isString()) {
        throw new IllegalArgumentException(
            name + "." + entry.getKey() + " is no text: " + entry.getValue());
      }
      texts.put(entry.getKey(), value.getAsString());
    }
    return texts;
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
