package org.clip4j.examples.app.evaluate;

import ai.djl.Device;
import java.io.IOException;
import org.clip4j.encode.Encoder;
import org.clip4j.engine.Precision;
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
    return load(name, options.device(), options.precision());
  }

  /** As {@link #load(String, DeviceOptions)}. */
  public static OpenModel load(String name, Device device, Precision precision) throws IOException {
    precision.requireOn(device);
    try (Checkpoint checkpoint = Models.loader(name).openCheckpoint()) {
      return of(
          ClipModel.load(checkpoint.config(), checkpoint.parameters(), device),
          checkpoint.tokenizer().orElse(null),
          checkpoint.transform(),
          precision);
    }
  }

  /** Loads an averaged model; nothing is written. */
  public static OpenModel of(WeightAverage average, DeviceOptions options) throws IOException {
    options.precision().requireOn(options.device());
    return of(
        ClipModel.load(average.config(), average.parameters(), options.device()),
        average.tokenizer().orElse(null),
        average.transform(),
        options.precision());
  }

  private static OpenModel of(
      ClipModel model, Tokenizer tokenizer, ImageTransform transform, Precision precision) {
    return new OpenModel(
        model, transform, tokenizer, Encoder.ofFixed(model, transform, tokenizer, precision, true));
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
