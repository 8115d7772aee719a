package org.clip4j.examples;

import java.io.IOException;
import org.clip4j.eval.Encoder;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;

/** A model with what encodes by it. Owns the native memory of all: close it. */
record OpenModel(ClipModel model, Tokenizer tokenizer, Encoder encoder) implements AutoCloseable {

  /**
   * Loads a model.
   *
   * @param name on the hub, a folder or a weights file
   */
  static OpenModel load(String name) throws IOException {
    try (Checkpoint checkpoint = Examples.loader(name).openCheckpoint()) {
      ClipModel model = ClipModel.load(checkpoint.config(), checkpoint.parameters());
      Tokenizer tokenizer = checkpoint.tokenizer().orElse(null);
      ImageTransform transform = checkpoint.transform();
      return new OpenModel(model, tokenizer, new Encoder(model, transform, tokenizer));
    }
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
