package org.clip4j.weights;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;

/** Says in what configurations differ, in the words of OpenCLIP's. */
final class ConfigDifferences {
  private ConfigDifferences() {}

  /**
   * Lists what of two architectures has other weights computed, or the same ones otherwise: {@code
   * text_cfg.heads: 8 and 12}. How a model is trained and how its files name things is no
   * difference, nor is the tokenizer.
   */
  static List<String> of(ClipConfig one, ClipConfig other) {
    List<String> found = new ArrayList<>();
    ClipConfig a = TransformersConfig.computed(one);
    ClipConfig b = TransformersConfig.computed(other);
    if (!a.equals(b)) {
      try {
        collect("", ClipConfigJson.write(a), ClipConfigJson.write(b), found);
      } catch (IllegalArgumentException e) {
        // OpenCLIP has no words for one of them: the configurations speak for themselves
      }
      if (found.isEmpty()) {
        found.add("configuration: " + a + " and " + b);
      }
    }
    return found;
  }

  /** Adds the values of two configurations that differ, under their names. */
  static void collect(String path, JsonElement a, JsonElement b, List<String> found) {
    if (a instanceof JsonObject one && b instanceof JsonObject other) {
      Set<String> keys = new LinkedHashSet<>(one.keySet());
      keys.addAll(other.keySet());
      for (String key : keys) {
        collect(path.isEmpty() ? key : path + "." + key, get(one, key), get(other, key), found);
      }
    } else if (!a.equals(b)) {
      found.add(path + ": " + word(a) + " and " + word(b));
    }
  }

  private static JsonElement get(JsonObject json, String key) {
    return json.has(key) ? json.get(key) : JsonNull.INSTANCE;
  }

  private static String word(JsonElement value) {
    return value.isJsonNull() ? "not set" : value.toString();
  }
}
