package org.clip4j.weights;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** Where the {@code config.json} of a text tower lies that OpenCLIP's configuration only names. */
final class TextModelFiles {
  static final String FILE = "config.json";

  private TextModelFiles() {}

  /**
   * Looks for it in the folder that the name says, if it is one, and beside the weights.
   *
   * @param folder of {@code open_clip_config.json}
   * @param modelCfg what that holds
   */
  static Optional<JsonObject> find(Path folder, JsonObject modelCfg) throws IOException {
    if (!(modelCfg.get("text_cfg") instanceof JsonObject text)
        || !(text.get("hf_model_name") instanceof JsonPrimitive name)) {
      return Optional.empty();
    }
    Optional<JsonObject> named = named(folder, name.getAsString());
    return named.isPresent() ? named : read(folder.resolve(FILE));
  }

  /** Looks for it in the folder within this one that the name says, if it is one. */
  static Optional<JsonObject> named(Path folder, String name) throws IOException {
    Path whole = folder.toAbsolutePath().normalize();
    try {
      Path own = whole.resolve(name).normalize(); // the name comes with the model
      return own.equals(whole) || !own.startsWith(whole)
          ? Optional.empty()
          : read(own.resolve(FILE));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static Optional<JsonObject> read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    return Optional.of(CheckpointFields.read(file).json()).filter(TextModelFiles::isTextModel);
  }

  /** Whether a {@code config.json} is of transformers, and of no model that has images. */
  static boolean isTextModel(JsonObject json) {
    JsonElement type = json.get("model_type");
    return type != null && !type.isJsonNull() && !json.has("vision_config");
  }
}
