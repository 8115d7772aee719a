package org.clip4j.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * What {@code tokenizer_config.json} and {@code special_tokens_map.json} say beside a {@code
 * tokenizer.json}. Both may be missing.
 */
final class TokenizerConfig {
  private static final int MAX_BYTES = 4 << 20;

  private static final List<String> NAMES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private final String where;
  private final JsonObject config;

  private TokenizerConfig(Path folder, JsonObject config) {
    this.where = folder.resolve("tokenizer_config.json") + ": ";
    this.config = config;
  }

  static TokenizerConfig read(Path folder) throws IOException {
    JsonObject config = object(folder.resolve("tokenizer_config.json"));
    if (!config.has("added_tokens_decoder")) { // older folders: the map counts, as in transformers
      JsonObject map = object(folder.resolve("special_tokens_map.json"));
      NAMES.stream().filter(map::has).forEach(name -> config.add(name, map.get(name)));
    }
    return new TokenizerConfig(folder, config);
  }

  private static JsonObject object(Path file) throws IOException {
    if (!Files.exists(file)) {
      return new JsonObject();
    }
    return JsonInput.read(
        file,
        MAX_BYTES,
        json -> {
          if (json.tree() instanceof JsonObject object) {
            return object;
          }
          throw json.bad("does not hold one JSON object");
        });
  }

  /** The class in transformers, without the ending Fast; empty where it is not said. */
  String tokenizerClass() throws TokenizerFormatException {
    String name = text("tokenizer_class");
    return name == null ? "" : name.endsWith("Fast") ? name.substring(0, name.length() - 4) : name;
  }

  /** {@code left}, {@code right}, or null. */
  String side(String key) throws TokenizerFormatException {
    String side = text(key);
    if (side != null && !side.equals("left") && !side.equals("right")) {
      throw new TokenizerFormatException(
          where + key + " is " + JsonInput.shorten(side) + ", not left or right");
    }
    return side;
  }

  /** The text of a special token, such as {@code pad_token}; null where it is not said. */
  String token(String name) throws TokenizerFormatException {
    JsonElement token = config.get(name);
    if (token instanceof JsonObject object) {
      token = object.get("content");
    }
    return text(name, token);
  }

  /** The special tokens that have a name. */
  List<String> namedTokens() throws TokenizerFormatException {
    List<String> tokens = new ArrayList<>();
    for (String name : NAMES) {
      String token = token(name);
      if (token != null) {
        tokens.add(token);
      }
    }
    return tokens;
  }

  /** The added tokens that are repeated here, by id. */
  List<AddedToken> addedTokens() throws TokenizerFormatException {
    JsonElement decoder = config.get("added_tokens_decoder");
    if (decoder == null || decoder.isJsonNull()) {
      return List.of();
    }
    if (!(decoder instanceof JsonObject object)) {
      throw new TokenizerFormatException(where + "added_tokens_decoder is not an object");
    }
    TreeMap<Integer, AddedToken> tokens = new TreeMap<>();
    for (String id : object.keySet()) {
      if (!id.matches("[0-9]{1,8}") || !(object.get(id) instanceof JsonObject token)) {
        throw new TokenizerFormatException(
            where + "added_tokens_decoder." + JsonInput.shorten(id) + " is not a token by its id");
      }
      int number = Integer.parseInt(id);
      tokens.put(number, AddedToken.of(where, number, token));
    }
    return List.copyOf(tokens.values());
  }

  private String text(String key) throws TokenizerFormatException {
    return text(key, config.get(key));
  }

  private String text(String key, JsonElement value) throws TokenizerFormatException {
    if (value == null || value.isJsonNull()) {
      return null;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw new TokenizerFormatException(where + key + " is not a text");
  }
}
