package org.clip4j.model;

import com.google.gson.JsonObject;
import java.util.List;
import org.clip4j.io.Nearest;
import org.clip4j.io.Tables;

/**
 * Architectures by name: those of OpenCLIP 3.3 that are made of towers this library has, and two
 * small ones of our own (Ti).
 */
final class NamedConfigs {
  private static final JsonObject ALL = Tables.json(NamedConfigs.class, "architectures.json");

  private NamedConfigs() {}

  static List<String> names() {
    return List.copyOf(ALL.keySet());
  }

  static ClipConfig get(String name) {
    if (!ALL.has(name)) {
      String question = Nearest.question(name, names());
      throw new IllegalArgumentException(
          "no architecture is named \""
              + name
              + "\""
              + (question.isEmpty() ? "; there are " : question + " There are ")
              + String.join(", ", names()));
    }
    return ClipConfigJson.read(ALL.getAsJsonObject(name));
  }
}
