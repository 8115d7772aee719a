package org.clip4j.weights;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.clip4j.io.JsonFile;
import org.clip4j.weights.tensors.CheckpointException;

/** A JSON object of a checkpoint's file, whose getters name the file and the key that fail. */
final class JsonFields {
  /** Far more than any configuration has, and little when each byte becomes an object. */
  private static final int MAX_FILE_BYTES = 1 << 20;

  private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,9}");

  private final String where;
  private final JsonObject json;

  private JsonFields(String where, JsonObject json) {
    this.where = where;
    this.json = json;
  }

  /** Reads a file that must hold one JSON object. */
  static JsonFields read(Path file) throws IOException {
    return new JsonFields(
        file + ": ", JsonFile.read(file, MAX_FILE_BYTES, CheckpointException::new));
  }

  /** An object that is not in a file. */
  static JsonFields of(String name, JsonObject json) {
    return new JsonFields(name + ": ", json);
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
    return json.get(key) != null && !json.get(key).isJsonNull();
  }

  JsonElement get(String key) {
    return json.get(key);
  }

  JsonObject json() {
    return json;
  }

  /** The object under a key; an empty one where it is missing or null. */
  JsonFields object(String key) throws CheckpointException {
    if (!has(key)) {
      return new JsonFields(where + key + ".", new JsonObject());
    }
    if (!(json.get(key) instanceof JsonObject object)) {
      throw bad(key, "expected an object");
    }
    return new JsonFields(where + key + ".", object);
  }

  int whole(String key, int fallback, int min, int max) throws CheckpointException {
    JsonElement value = json.get(key);
    if (value == null) {
      return fallback;
    }
    if (!(value instanceof JsonPrimitive primitive)
        || !primitive.isNumber()
        || !WHOLE.matcher(primitive.getAsString()).matches()
        || primitive.getAsInt() < min
        || primitive.getAsInt() > max) {
      throw bad(key, "expected a whole number from " + min + " to " + max);
    }
    return primitive.getAsInt();
  }

  double number(String key, double fallback) throws CheckpointException {
    JsonElement value = json.get(key);
    return value == null ? fallback : number(key, value);
  }

  private double number(String key, JsonElement value) throws CheckpointException {
    if (value instanceof JsonPrimitive primitive && primitive.isNumber()) {
      double number = Double.parseDouble(primitive.getAsString());
      if (Double.isFinite(number)) {
        return number;
      }
    }
    throw bad(key, "expected a number");
  }

  String text(String key, String fallback) throws CheckpointException {
    JsonElement value = json.get(key);
    if (value == null) {
      return fallback;
    }
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isString()) {
      throw bad(key, "expected a text");
    }
    return primitive.getAsString();
  }

  boolean flag(String key, boolean fallback) throws CheckpointException {
    JsonElement value = json.get(key);
    if (value == null) {
      return fallback;
    }
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
      throw bad(key, "expected true or false");
    }
    return primitive.getAsBoolean();
  }

  /** Three numbers, one per colour channel; the fallback where missing or null. */
  float[] channels(String key, float[] fallback) throws CheckpointException {
    if (!has(key)) {
      return fallback;
    }
    if (!(json.get(key) instanceof JsonArray array) || array.size() != 3) {
      throw bad(key, "expected three numbers, one per colour channel");
    }
    float[] values = new float[3];
    for (int i = 0; i < 3; i++) {
      values[i] = (float) number(key, array.get(i));
      if (!Float.isFinite(values[i])) {
        throw bad(key, "expected numbers that are finite as 32-bit floats");
      }
    }
    return values;
  }

  /** An error about the value under a key. */
  CheckpointException bad(String key, String what) {
    JsonElement value = json.get(key);
    String shown = value == null ? "missing" : value.toString();
    return new CheckpointException(
        where
            + key
            + " is "
            + (shown.length() <= 200 ? shown : shown.substring(0, 200) + "...")
            + ": "
            + what);
  }
}
