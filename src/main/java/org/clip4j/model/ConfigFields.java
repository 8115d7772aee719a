package org.clip4j.model;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** A configuration's JSON object, whose keys are ticked off as they are read. */
final class ConfigFields {
  private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,9}");

  private final String where;
  private final JsonObject json;
  private final TreeSet<String> known = new TreeSet<>();

  ConfigFields(String where, JsonObject json) {
    this.where = where;
    this.json = json;
  }

  private JsonElement take(String key) {
    known.add(key);
    return json.get(key);
  }

  void skip(String key) {
    take(key);
  }

  boolean isList(String key) {
    return json.get(key) instanceof JsonArray;
  }

  JsonObject object(String key) {
    if (!(take(key) instanceof JsonObject object)) {
      throw bad(key, "expected an object");
    }
    return object;
  }

  /** The object under a key; null where it is missing or null. */
  ConfigFields objectOrNull(String key) {
    JsonElement value = take(key);
    if (value == null || value.isJsonNull()) {
      return null;
    }
    return new ConfigFields(where + "." + key, object(key));
  }

  /** One of some words. */
  String word(String key, String fallback, List<String> words) {
    String word = textOrNull(key);
    if (word == null) {
      return fallback;
    }
    if (!words.contains(word)) {
      throw bad(key, "expected one of " + String.join(", ", words));
    }
    return word;
  }

  String textOrNull(String key) {
    return textOrNull(key, null);
  }

  /** A text; null where it is null, which is then not the same as missing. */
  String textOrNull(String key, String missing) {
    JsonElement value = take(key);
    if (value == null) {
      return missing;
    }
    if (value.isJsonNull()) {
      return null;
    }
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isString()) {
      throw bad(key, "expected a text");
    }
    return primitive.getAsString();
  }

  boolean flag(String key, boolean fallback) {
    JsonElement value = take(key);
    if (value == null) {
      return fallback;
    }
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isBoolean()) {
      throw bad(key, "expected true or false");
    }
    return primitive.getAsBoolean();
  }

  int whole(String key, Integer fallback, int min, int max) {
    JsonElement value = take(key);
    if (value == null && fallback != null) {
      return fallback;
    }
    return asWhole(key, value, min, max);
  }

  private int asWhole(String key, JsonElement value, int min, int max) {
    if (!(value instanceof JsonPrimitive primitive)
        || !primitive.isNumber()
        || !WHOLE.matcher(primitive.getAsString()).matches()
        || primitive.getAsInt() < min
        || primitive.getAsInt() > max) {
      throw bad(key, "expected a whole number from " + min + " to " + max);
    }
    return primitive.getAsInt();
  }

  /** One number or a list of them. */
  List<Integer> wholes(String key, List<Integer> fallback, int min, int max) {
    JsonElement value = take(key);
    if (value == null) {
      return fallback;
    }
    if (!(value instanceof JsonArray array)) {
      return List.of(asWhole(key, value, min, max));
    }
    if (array.isEmpty()) {
      throw bad(key, "expected at least one number");
    }
    List<Integer> values = new ArrayList<>();
    for (JsonElement element : array) {
      values.add(asWhole(key, element, min, max));
    }
    return List.copyOf(values);
  }

  double number(String key, double fallback, double max) {
    JsonElement value = take(key);
    double number = value == null ? fallback : asNumber(key, value);
    if (!(number > 0 && number <= max)) {
      throw bad(key, "expected a number above 0, at most " + max);
    }
    return number;
  }

  /** A part of a whole that leaves something; nothing if missing. */
  double share(String key) {
    JsonElement value = take(key);
    double number = value == null ? 0 : asNumber(key, value);
    if (!(number >= 0 && number < 1)) {
      throw bad(key, "expected a number of at least 0 and below 1");
    }
    return number;
  }

  Double numberOrNull(String key) {
    JsonElement value = take(key);
    return value == null || value.isJsonNull() ? null : asNumber(key, value);
  }

  private double asNumber(String key, JsonElement value) {
    if (!(value instanceof JsonPrimitive primitive) || !primitive.isNumber()) {
      throw bad(key, "expected a number");
    }
    double number = Double.parseDouble(primitive.getAsString());
    if (!Double.isFinite(number)) {
      throw bad(key, "expected a finite number");
    }
    return number;
  }

  /** Refuses whatever was not read. */
  void finish(Map<String, String> options) {
    for (Map.Entry<String, JsonElement> entry : json.entrySet()) {
      String key = entry.getKey();
      if (known.contains(key)) {
        continue;
      }
      String only = options.get(key);
      if (only == null) {
        throw new IllegalArgumentException(
            where + " has an unknown key '" + key + "'; known are " + known);
      }
      if (!only.equals("*") && !isValue(entry.getValue(), only)) {
        throw bad(key, "this option is not supported; only " + only + " is");
      }
    }
  }

  /** Whether a value says the same as a default; 0 and 0.0 do. */
  private static boolean isValue(JsonElement value, String expected) {
    if (!(value instanceof JsonPrimitive primitive)) {
      return value.isJsonNull() && expected.equals("null");
    }
    if (primitive.isNumber() && WHOLE.matcher(expected).matches()) {
      return Double.parseDouble(primitive.getAsString()) == Double.parseDouble(expected);
    }
    return primitive.getAsString().equals(expected);
  }

  IllegalArgumentException bad(String key, String what) {
    JsonElement value = json.get(key);
    String shown = value == null ? "is missing" : "is " + shorten(value.toString());
    return new IllegalArgumentException(where + "." + key + " " + shown + ": " + what);
  }

  private static String shorten(String text) {
    return text.length() <= 200 ? text : text.substring(0, 200) + "...";
  }
}
