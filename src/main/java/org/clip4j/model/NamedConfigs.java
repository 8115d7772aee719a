package org.clip4j.model;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Architectures by name: OpenCLIP's, and two small ones of our own (Ti). */
final class NamedConfigs {
  static final List<String> NAMES =
      List.of(
          "RN-Ti-32",
          "RN50-quickgelu",
          "ViT-B-16",
          "ViT-B-32",
          "ViT-B-32-quickgelu",
          "ViT-L-14",
          "ViT-S-32",
          "ViT-Ti-8-64");

  private NamedConfigs() {}

  static ClipConfig get(String name) {
    if (!NAMES.contains(name)) {
      throw new IllegalArgumentException(
          "no architecture is named \"" + name + "\"; there are " + String.join(", ", NAMES));
    }
    try (InputStream json = NamedConfigs.class.getResourceAsStream("configs/" + name + ".json")) {
      InputStreamReader reader = new InputStreamReader(json, StandardCharsets.UTF_8);
      return ClipConfigJson.read(JsonParser.parseReader(reader).getAsJsonObject());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
