package org.clip4j.spark;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.apache.spark.SparkEnv;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import org.clip4j.io.IoErrors;
import org.jspecify.annotations.Nullable;

/**
 * Says where a process finds a model, and what of it it needs.
 *
 * @param model a name on the hub, or a path that every process has
 * @param shipped the files that Spark has brought; null where none were shipped
 * @param state of the model's files, as the driver sees them: what is written to the same path
 *     later is another model; empty for a name of the hub
 * @param precision in which it computes
 * @param texts whether it is the text encoder that is needed, or the image encoder
 */
record ModelSource(
    String model, @Nullable ShippedModel shipped, String state, Precision precision, boolean texts)
    implements Serializable {

  /** Makes one of what the driver knows. */
  static ModelSource of(
      String model, @Nullable ShippedModel shipped, Precision precision, boolean texts) {
    return new ModelSource(model, shipped, state(model), precision, texts);
  }

  private static String state(String model) {
    try {
      Path path = Path.of(model);
      return Files.exists(path) ? ShippedModel.state(path) : "";
    } catch (IOException | UncheckedIOException | InvalidPathException e) {
      return ""; // whoever loads it says what is wrong
    }
  }

  /**
   * Loads the model.
   *
   * @throws UncheckedIOException if this process cannot; the message names it and the model
   */
  Clip load() {
    try {
      if (shipped == null) {
        return load(Clip.loader(model));
      }
      Path folder = Files.createTempDirectory("clip4j-model");
      try {
        return load(Clip.loader(shipped.unpack(folder)));
      } finally {
        ShippedModel.remove(folder);
      }
    } catch (IOException | RuntimeException e) { // also where PyTorch's native library is missing
      throw new UncheckedIOException(
          process()
              + " cannot load the model '"
              + model
              + "': "
              + IoErrors.message(e)
              + ". Give a name of the hub or a path that every executor can read, or have the files"
              + " shipped (shipModel)",
          new IOException(e));
    }
  }

  private Clip load(ClipLoader loader) {
    ClipLoader half = texts ? loader.optTextsOnly() : loader.optImagesOnly();
    return half.optPrecision(precision).load();
  }

  private static String process() {
    String id = SparkEnv.get() == null ? "driver" : SparkEnv.get().executorId();
    String host = InetAddress.getLoopbackAddress().getHostName();
    try {
      host = InetAddress.getLocalHost().getHostName();
    } catch (IOException e) { // it has no name
    }
    return (id.equals("driver") ? "the driver" : "executor " + id) + " on " + host;
  }
}
