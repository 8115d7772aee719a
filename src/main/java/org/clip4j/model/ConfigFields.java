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
import org.clip4j.io.JsonFields;
import org.jspecify.annotations.Nullable;

/** A configuration's JSON object, whose keys are ticked off as they are read. */
final class ConfigFields extends JsonFields<IllegalArgumentException> {
  private static final Pattern WHOLE = Pattern.compile("-?[0-9]{1,9}");

  private final String where;
  private final TreeSet<String> known = new TreeSet<>();

  ConfigFields(String where, JsonObject json) {
    super(where + ".", json, IllegalArgumentException::new);
    this.where = where;
  }

  @Override
  public @Nullable JsonElement get(String key) {
    known.add(key);
    return super.get(key);
  }

  void skip(String key) {
    get(key);
  }

  boolean isList(String key) {
    return json().get(key) instanceof JsonArray;
  }

  /** The object under a key; null where it is missing or null. */
  ConfigFields objectOrNull(String key) {
    JsonElement value = get(key);
    if (value == null || value.isJsonNull()) {
      return null;
    }
    return new ConfigFields(where + "." + key, asObject(key));
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
    JsonElement value = get(key);
    return value != null && value.isJsonNull() ? null : text(key, missing);
  }

  /** One number or a list of them. */
  List<Integer> wholes(String key, List<Integer> fallback, int min, int max) {
    JsonElement value = get(key);
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
    double number = number(key, fallback);
    if (!(number > 0 && number <= max)) {
      throw bad(key, "expected a number above 0, at most " + max);
    }
    return number;
  }

  /** A part of a whole that leaves something; nothing if missing. */
  double share(String key) {
    double number = number(key, 0);
    if (!(number >= 0 && number < 1)) {
      throw bad(key, "expected a number of at least 0 and below 1");
    }
    return number;
  }

  Double numberOrNull(String key) {
    JsonElement value = get(key);
    return value == null || value.isJsonNull() ? null : asNumber(key, value);
  }

  /** Refuses whatever was not read. */
  void finish(Map<String, String> options) {
    for (Map.Entry<String, JsonElement> entry : json().entrySet()) {
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
}
