package org.clip4j.weights;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.io.JsonFields;
import org.clip4j.io.JsonFile;
import org.clip4j.weights.tensors.CheckpointException;

/** A JSON object of a checkpoint's file, whose getters name the file and the key that fail. */
final class CheckpointFields extends JsonFields<CheckpointException> {
  /** Far more than any configuration has, and little when each byte becomes an object. */
  private static final int MAX_FILE_BYTES = 1 << 20;

  private final String where;

  private CheckpointFields(String where, JsonObject json) {
    super(where, json, CheckpointException::new);
    this.where = where;
  }

  /** What messages begin with. */
  String where() {
    return where;
  }

  /** Reads a file that must hold one JSON object. */
  static CheckpointFields read(Path file) throws IOException {
    return new CheckpointFields(
        file + ": ", JsonFile.read(file, MAX_FILE_BYTES, CheckpointException::new));
  }

  /** An object that is not in a file. */
  static CheckpointFields of(String name, JsonObject json) {
    return new CheckpointFields(name + ": ", json);
  }

  /** Formats an object as the Python libraries do: indented, nothing escaped needlessly. */
  static String format(JsonObject object) {
    return new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeNulls()
            .create()
            .toJson(object)
        + "\n";
  }

  boolean has(String key) {
    return get(key) != null && !get(key).isJsonNull();
  }

  /** The object under a key; an empty one where it is missing or null. */
  CheckpointFields object(String key) throws CheckpointException {
    if (!has(key)) {
      return new CheckpointFields(where + key + ".", new JsonObject());
    }
    return new CheckpointFields(where + key + ".", asObject(key));
  }

  /** Three numbers, one per colour channel; the fallback where missing or null. */
  float[] channels(String key, float[] fallback) throws CheckpointException {
    if (!has(key)) {
      return fallback;
    }
    if (!(get(key) instanceof JsonArray array) || array.size() != 3) {
      throw bad(key, "expected three numbers, one per colour channel");
    }
    float[] values = new float[3];
    for (int i = 0; i < 3; i++) {
      values[i] = (float) asNumber(key, array.get(i));
      if (!Float.isFinite(values[i])) {
        throw bad(key, "expected numbers that are finite as 32-bit floats");
      }
    }
    return values;
  }
}
