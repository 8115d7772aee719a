package org.clip4j.model;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Nearest;

/**
 * Architectures by name: those of OpenCLIP 3.3 that are made of towers this library has, and two
 * small ones of our own (Ti).
 */
final class NamedConfigs {
  private static final JsonObject ALL = read();

  private NamedConfigs() {}

  private static JsonObject read() {
    try (InputStream json = NamedConfigs.class.getResourceAsStream("architectures.json")) {
      InputStreamReader reader = new InputStreamReader(json, StandardCharsets.UTF_8);
      return JsonParser.parseReader(reader).getAsJsonObject();
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

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
