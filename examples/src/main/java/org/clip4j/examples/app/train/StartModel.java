package org.clip4j.examples.app.train;

import ai.djl.Device;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.examples.options.Models;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.ModelOrigin;

/**
 * What is trained.
 *
 * @param model new, or loaded
 * @param transform the model's own
 * @param tokenizer the model's own; null for OpenAI's
 * @param origins what it was loaded from; nothing for a new one
 */
public record StartModel(
    ClipModel model, ImageTransform transform, Tokenizer tokenizer, List<ModelOrigin> origins)
    implements AutoCloseable {

  /**
   * Makes a new model, or loads one.
   *
   * @param name an architecture's, a JSON file's with one, or a model's
   */
  public static StartModel of(String name, long seed, Device device) throws IOException {
    Path path = Path.of(name);
    boolean isConfig = Files.isRegularFile(path) && name.endsWith(".json");
    if (isConfig || ClipConfig.names().contains(name)) {
      ClipConfig config =
          isConfig
              ? ClipConfigJson.read(
                  JsonParser.parseString(Files.readString(path)).getAsJsonObject())
              : ClipConfig.named(name);
      int height = config.vision().imageHeight();
      int width = config.vision().imageWidth();
      ImageTransform transform = ImageTransform.openai(height, width);
      return new StartModel(ClipModel.create(config, seed, device), transform, null, List.of());
    }
    try (Checkpoint checkpoint = Models.loader(name).openCheckpoint()) {
      return new StartModel(
          ClipModel.load(checkpoint.config(), checkpoint.parameters(), device),
          checkpoint.transform(),
          checkpoint.tokenizer().orElse(null),
          checkpoint.origins());
    }
  }

  @Override
  public void close() {
    model.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
