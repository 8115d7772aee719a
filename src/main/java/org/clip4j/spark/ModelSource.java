package org.clip4j.spark;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.engine.Precision;
import org.clip4j.io.IoErrors;
import org.jspecify.annotations.Nullable;

/**
 * Says where a process finds a model, and what of it it needs.
 *
 * @param model a name on the hub, or a path that every process has
 * @param archive the folder among the files that Spark has brought; null where none were shipped
 * @param file in that folder; null for the folder itself
 * @param precision in which it computes
 * @param texts whether it is the text encoder that is needed, or the image encoder
 */
record ModelSource(
    String model,
    @Nullable String archive,
    @Nullable String file,
    Precision precision,
    boolean texts)
    implements Serializable {

  /** Returns the same of the text encoder. */
  ModelSource ofTexts() {
    return new ModelSource(model, archive, file, precision, true);
  }

  /**
   * Loads the model.
   *
   * @throws UncheckedIOException if this process cannot; the message names it and the model
   */
  Clip load() {
    ClipLoader loader = loader().optPrecision(precision);
    try {
      return (texts ? loader.optTextsOnly() : loader.optImagesOnly()).load();
    } catch (UncheckedIOException | IllegalArgumentException e) {
      IOException cause = e.getCause() instanceof IOException io ? io : new IOException(e);
      throw new UncheckedIOException(
          process()
              + " cannot load the model '"
              + model
              + "': "
              + IoErrors.message(e)
              + ". Give a name of the hub or a path that every executor can read, or have the files"
              + " shipped (shipModel)",
          cause);
    }
  }

  private ClipLoader loader() {
    if (archive == null) {
      return Clip.loader(model);
    }
    Path folder = Path.of(SparkFiles.get(archive));
    return Clip.loader(file == null ? folder : folder.resolve(file));
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
