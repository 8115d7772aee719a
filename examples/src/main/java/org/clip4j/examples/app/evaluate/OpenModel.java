package org.clip4j.examples.app.evaluate;

import java.io.IOException;
import org.clip4j.encode.Encoder;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.Models;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.WeightAverage;

/** A model with what encodes by it. Owns the native memory of all: close it. */
public record OpenModel(
    ClipModel model, ImageTransform transform, Tokenizer tokenizer, Encoder encoder)
    implements AutoCloseable {

  /**
   * Loads a model.
   *
   * @param name on the hub, a folder or a weights file
   */
  public static OpenModel load(String name, DeviceOptions options) throws IOException {
    options.precision().requireOn(options.device());
    try (Checkpoint checkpoint = Models.loader(name).openCheckpoint()) {
      ClipModel model =
          ClipModel.load(checkpoint.config(), checkpoint.parameters(), options.device());
      Tokenizer tokenizer = checkpoint.tokenizer().orElse(null);
      ImageTransform transform = checkpoint.transform();
      return new OpenModel(
          model,
          transform,
          tokenizer,
          Encoder.ofFixed(model, transform, tokenizer, options.precision(), true));
    }
  }

  /** Loads an averaged model; nothing is written. */
  public static OpenModel of(WeightAverage average, DeviceOptions options) throws IOException {
    options.precision().requireOn(options.device());
    ClipModel model = ClipModel.load(average.config(), average.parameters(), options.device());
    Tokenizer tokenizer = average.tokenizer();
    return new OpenModel(
        model,
        average.transform(),
        tokenizer,
        Encoder.ofFixed(model, average.transform(), tokenizer, options.precision(), true));
  }

  @Override
  public void close() {
    encoder.close();
    model.close();
    if (tokenizer != null) {
      tokenizer.close();
    }
  }
}
