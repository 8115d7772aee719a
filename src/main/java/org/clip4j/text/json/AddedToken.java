package org.clip4j.text.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import org.clip4j.io.IoErrors;

/**
 * A token that is looked for in the text before everything else, such as {@code </s>}. The flags
 * are the published ones.
 */
record AddedToken(
    int id,
    String content,
    boolean singleWord,
    boolean lstrip,
    boolean rstrip,
    boolean normalized,
    boolean special) {

  /** The most that are read: some published tokenizers have a thousand, and the cost is squared. */
  static final int MAX_COUNT = 5_000;

  static AddedToken of(String where, int id, JsonObject json) throws TokenizerFormatException {
    if (!(json.get("content") instanceof JsonPrimitive content) || !content.isString()) {
      throw new TokenizerFormatException(where + "added token " + id + " has no content");
    }
    String text = content.getAsString();
    if (id >= Vocabulary.MAX_ID) {
      throw new TokenizerFormatException(
          where + "added token " + id + " is not below " + Vocabulary.MAX_ID);
    }
    if (text.isEmpty() || !Vocabulary.isToken(text)) {
      throw new TokenizerFormatException(
          where
              + "added token "
              + id
              + " is "
              + IoErrors.quote(text)
              + ", not a text of 1 to "
              + Vocabulary.MAX_TOKEN
              + " characters");
    }
    return new AddedToken(
        id,
        text,
        flag(where, id, json, "single_word"),
        flag(where, id, json, "lstrip"),
        flag(where, id, json, "rstrip"),
        flag(where, id, json, "normalized"),
        flag(where, id, json, "special"));
  }

  private static boolean flag(String where, int id, JsonObject json, String key)
      throws TokenizerFormatException {
    JsonElement value = json.get(key);
    if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw new TokenizerFormatException(
        where + "added token " + id + ": " + key + " is not true or false");
  }

  AddedToken withId(int other) {
    return new AddedToken(other, content, singleWord, lstrip, rstrip, normalized, special);
  }

  /** The same, but looked for in the text before it is normalized. */
  AddedToken asTyped() {
    return new AddedToken(id, content, singleWord, lstrip, rstrip, false, special);
  }

  JsonObject toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("id", id);
    json.addProperty("content", content);
    json.addProperty("single_word", singleWord);
    json.addProperty("lstrip", lstrip);
    json.addProperty("rstrip", rstrip);
    json.addProperty("normalized", normalized);
    json.addProperty("special", special);
    return json;
  }
}
