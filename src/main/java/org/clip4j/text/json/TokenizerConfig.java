package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFile;

/**
 * What {@code tokenizer_config.json}, {@code special_tokens_map.json} and {@code added_tokens.json}
 * say beside a vocabulary. Each may be missing; where the first lists the added tokens, as since
 * transformers 4.34, the others are not looked at.
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

  /** Lists of further special tokens, by the older and the newer name. */
  private static final List<String> EXTRA =
      List.of("additional_special_tokens", "extra_special_tokens");

  private static final String CLASS = "tokenizer_class";
  private static final String CONFIG = "tokenizer_config.json";
  private static final String SPECIAL = "special_tokens_map.json";
  private static final String ADDED = "added_tokens.json";

  /** The model's, which counts where these do not name a class. */
  private static final String MODEL = "config.json";

  /** Classes that transformers takes for a kind of models, where the files do not tell them. */
  private static final Map<String, String> CLASSES =
      Map.of(
          "siglip", "SiglipTokenizer", // cleans texts, as the next one does
          "siglip2", "Siglip2Tokenizer",
          "m2m_100", "M2M100Tokenizer"); // its file has the name of XLM-RoBERTa's

  /** The files that are read. */
  static final List<String> FILES = List.of(CONFIG, SPECIAL, ADDED);

  private final Path folder;
  private final String where;
  private final JsonObject config;
  private final JsonObject added;

  private TokenizerConfig(Path folder, JsonObject config, JsonObject added) {
    this.folder = folder;
    this.where = folder.resolve(CONFIG) + ": ";
    this.config = config;
    this.added = added;
  }

  static TokenizerConfig read(Path folder) throws IOException {
    JsonObject config = object(folder.resolve(CONFIG));
    JsonObject added = new JsonObject();
    if (!config.has("added_tokens_decoder")) { // older folders: these count, as in transformers
      JsonObject map = object(folder.resolve(SPECIAL));
      Stream.concat(NAMES.stream(), EXTRA.stream())
          .filter(map::has)
          .forEach(name -> config.add(name, map.get(name)));
      added = object(folder.resolve(ADDED));
    }
    if (isNull(config.get(CLASS))) { // as transformers' AutoTokenizer chooses it
      JsonObject model = object(folder.resolve(MODEL));
      JsonElement own = model.get(CLASS);
      String kind = model.get("model_type") instanceof JsonPrimitive type ? type.getAsString() : "";
      config.addProperty(
          CLASS, own instanceof JsonPrimitive named ? named.getAsString() : CLASSES.get(kind));
    }
    return new TokenizerConfig(folder, config, added);
  }

  private static JsonObject object(Path file) throws IOException {
    return Files.exists(file)
        ? JsonFile.read(file, MAX_BYTES, TokenizerFormatException::new)
        : new JsonObject();
  }

  /** The class in transformers, without the ending Fast; empty where it is not said. */
  String tokenizerClass() throws TokenizerFormatException {
    String name = text(CLASS);
    return name == null ? "" : name.endsWith("Fast") ? name.substring(0, name.length() - 4) : name;
  }

  /** A truth value; the fallback where it is not said. */
  Boolean flag(String key, Boolean fallback) throws TokenizerFormatException {
    JsonElement value = config.get(key);
    if (isNull(value)) {
      return fallback;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw new TokenizerFormatException(where + key + " is neither true nor false");
  }

  /** {@code left}, {@code right}, or null. */
  String side(String key) throws TokenizerFormatException {
    String side = text(key);
    if (side != null && !side.equals("left") && !side.equals("right")) {
      throw new TokenizerFormatException(
          where + key + " is " + IoErrors.quote(side) + ", not left or right");
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
    if (isNull(decoder)) {
      return numbered();
    }
    if (!(decoder instanceof JsonObject object)) {
      throw new TokenizerFormatException(where + "added_tokens_decoder is not an object");
    }
    TreeMap<Integer, AddedToken> tokens = new TreeMap<>();
    for (String id : object.keySet()) {
      if (!id.matches("[0-9]{1,8}") || !(object.get(id) instanceof JsonObject token)) {
        throw new TokenizerFormatException(
            where + "added_tokens_decoder." + IoErrors.quote(id) + " is not a token by its id");
      }
      int number = Integer.parseInt(id);
      tokens.put(number, AddedToken.of(where, number, token));
    }
    return List.copyOf(tokens.values());
  }

  /** Those of {@code added_tokens.json}, by id. */
  private List<AddedToken> numbered() throws TokenizerFormatException {
    List<String> special = new ArrayList<>(namedTokens());
    extraTokens(EXTRA.get(1)).forEach(token -> special.add(token.content())); // not the older
    TreeMap<Integer, AddedToken> tokens = new TreeMap<>();
    for (String content : added.keySet()) {
      boolean known = special.contains(content);
      JsonObject json = new AddedToken(0, content, false, false, false, !known, known).toJson();
      String id = String.valueOf(added.get(content));
      if (!id.matches("[0-9]{1,8}")) {
        throw new TokenizerFormatException(
            folder.resolve(ADDED) + ": " + IoErrors.quote(content) + " has no id");
      }
      int number = Integer.parseInt(id);
      tokens.put(number, AddedToken.of(folder.resolve(ADDED) + ": ", number, json));
    }
    return List.copyOf(tokens.values());
  }

  /** Further special tokens, of which some have no id here, for which 0 stands. */
  List<AddedToken> extraTokens() throws TokenizerFormatException {
    List<AddedToken> tokens = new ArrayList<>();
    for (String key : EXTRA) {
      tokens.addAll(extraTokens(key));
    }
    return tokens;
  }

  private List<AddedToken> extraTokens(String key) throws TokenizerFormatException {
    List<AddedToken> tokens = new ArrayList<>();
    if (config.get(key) instanceof JsonArray list) { // else a map of names to tokens with an id
      for (JsonElement element : list) {
        JsonObject json = new AddedToken(0, "", false, false, false, false, true).toJson();
        json.add("content", element);
        if (element instanceof JsonObject object) {
          object.asMap().forEach(json::add);
        }
        json.addProperty("special", true);
        tokens.add(AddedToken.of(where + key + ": ", 0, json));
      }
    }
    return tokens;
  }

  /** A text; null where it is not said. */
  String text(String key) throws TokenizerFormatException {
    return text(key, config.get(key));
  }

  private static boolean isNull(JsonElement value) {
    return value == null || value.isJsonNull();
  }

  private String text(String key, JsonElement value) throws TokenizerFormatException {
    if (isNull(value)) {
      return null;
    }
    if (value instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw new TokenizerFormatException(where + key + " is not a text");
  }
}
