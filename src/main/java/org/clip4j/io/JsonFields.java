package org.clip4j.io;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object whose getters check what they find: an error names the key, shows its value and
 * says what is expected.
 *
 * @param <X> what the errors are
 */
public class JsonFields<X extends Exception> {
  private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,9}");

  private final String where;
  private final JsonObject json;
  private final Function<String, X> failure;

  /**
   * Wraps an object.
   *
   * @param where what messages begin with, right before a key
   * @param failure makes the exception of a message
   */
  public JsonFields(String where, JsonObject json, Function<String, X> failure) {
    this.where = where;
    this.json = json;
    this.failure = failure;
  }

  /** Returns the value under a key as it is, which every getter asks for; null if missing. */
  public @Nullable JsonElement get(String key) {
    return json.get(key);
  }

  /** Returns the whole object. */
  public JsonObject json() {
    return json;
  }

  /** Returns the object under a key. */
  public JsonObject asObject(String key) throws X {
    if (get(key) instanceof JsonObject object) {
      return object;
    }
    throw bad(key, "expected an object");
  }

  /**
   * Returns a whole number in a range, both ends included.
   *
   * @param fallback where it is missing; null if it must be there
   */
  public int whole(String key, @Nullable Integer fallback, int min, int max) throws X {
    JsonElement value = get(key);
    return value == null && fallback != null ? fallback : asWhole(key, value, min, max);
  }

  /** Returns a value under a key, or a part of it, as such a number. */
  public int asWhole(String key, @Nullable JsonElement value, int min, int max) throws X {
    if (!(value instanceof JsonPrimitive primitive)
        || !primitive.isNumber()
        || !WHOLE.matcher(primitive.getAsString()).matches()
        || primitive.getAsInt() < min
        || primitive.getAsInt() > max) {
      throw bad(key, "expected a whole number from " + min + " to " + max);
    }
    return primitive.getAsInt();
  }

  /** Returns a finite number. */
  public double number(String key, double fallback) throws X {
    JsonElement value = get(key);
    return value == null ? fallback : asNumber(key, value);
  }

  /** Returns a value under a key, or a part of it, as such a number. */
  public double asNumber(String key, JsonElement value) throws X {
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
      throw bad(key, "expected a number");
    }
    double number = Double.parseDouble(primitive.getAsString());
    if (!Double.isFinite(number)) {
      throw bad(key, "expected a finite number");
    }
    return number;
  }

  /** Returns a text. */
  public @Nullable String text(String key, @Nullable String fallback) throws X {
    JsonElement value = get(key);
    if (value == null) {
      return fallback;
    }
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isString()) {
      throw bad(key, "expected a text");
    }
    return primitive.getAsString();
  }

  /**
   * Returns a truth value.
   *
   * @param fallback where it is missing; null if it must be there
   */
  public boolean flag(String key, @Nullable Boolean fallback) throws X {
    JsonElement value = get(key);
    if (value == null && fallback != null) {
      return fallback;
    }
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
      throw bad(key, "expected true or false");
    }
    return primitive.getAsBoolean();
  }

  /** Returns an error about the value under a key. */
  public X bad(String key, String what) {
    JsonElement value = json.get(key);
    String shown = value == null ? "missing" : value.toString();
    String cut = shown.length() <= 200 ? shown : shown.substring(0, 200) + "...";
    return failure.apply(where + key + " is " + cut + ": " + what);
  }
}
