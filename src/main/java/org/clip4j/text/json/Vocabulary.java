package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.io.IoErrors;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.text.internal.Characters;

/**
 * The model of a {@code tokenizer.json}: a vocabulary with its scores (Unigram), its merges (BPE)
 * or neither (WordPiece), checked so that the native library meets nothing that it cannot bear or
 * takes no notice of. What it refuses by itself, such as a merge of tokens that are not there, is
 * left to it.
 */
final class Vocabulary {
  /** Token ids are below this. */
  static final int MAX_ID = 1 << 24;

  /** The most characters of a token; the library's trie is as deep as the longest. */
  static final int MAX_TOKEN = 256;

  private static final int MAX_ENTRIES = 1 << 21;

  /**
   * Nodes of Unigram's trie, which has one for each byte that two tokens do not begin with alike
   * and takes about 335 bytes for it (measured).
   */
  private static final int MAX_NODES = 1 << 22;

  private static final int MAX_NODES_PER_TOKEN = 8;
  private static final int MAX_NODES_BESIDE = 1 << 16;

  /** Of a word that is longer, WordPiece's search would take too long; published is 100. */
  private static final int MAX_WORD = 256;

  /** Each type's keys beside its vocabulary. */
  private static final Map<String, Set<String>> KEYS =
      Map.of(
          "Unigram",
          Set.of("unk_id", "byte_fallback"),
          "BPE",
          Set.of(
              "merges",
              "unk_token",
              "continuing_subword_prefix",
              "end_of_word_suffix",
              "fuse_unk",
              "byte_fallback",
              "ignore_merges"),
          "WordPiece",
          Set.of("unk_token", "continuing_subword_prefix", "max_input_chars_per_word"));

  private final JsonObject json;
  private final int maxEntries;
  private final String type;
  private final Map<String, Integer> ids = new HashMap<>();
  private final BitSet taken = new BitSet();
  private final boolean clip;

  /**
   * Reads the model.
   *
   * @param json to which is added what the native library wants
   * @param vocabSize the number of token ids that the model knows, or 0
   * @throws RuntimeException if it is not one that is known; the message says what is wrong
   */
  Vocabulary(JsonObject json, int vocabSize) {
    this.json = json;
    // Some published vocabularies have a few hundred tokens that their model lacks.
    maxEntries = vocabSize == 0 ? MAX_ENTRIES : (int) Math.min(2L * vocabSize + 8192, MAX_ENTRIES);
    List.copyOf(json.keySet()).stream().filter(k -> json.get(k).isJsonNull()).forEach(json::remove);
    JsonElement vocab = json.get("vocab");
    if (!json.has("type")) { // old files
      String guess =
          json.has("merges") ? "BPE" : vocab instanceof JsonArray ? "Unigram" : "WordPiece";
      json.addProperty("type", guess);
    }
    type = json.get("type").getAsString();
    if (json.has("dropout") && json.remove("dropout").getAsDouble() != 0) {
      throw bad("dropout is not 0: tokens would be random");
    }
    checkKeys();
    if (vocab instanceof JsonArray scored) {
      scored.forEach(this::addScored);
      checkTrie();
    } else if (vocab instanceof JsonObject numbered) {
      numbered.asMap().forEach((token, id) -> add(token, id(id)));
    }
    if (ids.isEmpty()) {
      throw bad("vocab is missing or empty");
    }
    checkOptions();
    clip = findClip();
  }

  private void checkKeys() {
    Set<String> keys = KEYS.get(type);
    if (keys == null) {
      throw bad("type " + IoErrors.quote(type) + " is not known");
    }
    for (String key : json.keySet()) {
      if (!keys.contains(key) && !key.equals("type") && !key.equals("vocab")) {
        throw bad(IoErrors.quote(key) + " is not known of a " + type);
      }
    }
  }

  private void add(String token, int id) {
    if (ids.size() == maxEntries) {
      throw bad("vocab has more than " + maxEntries + " tokens");
    }
    if (!isToken(token)) {
      throw bad(
          "vocab has the token "
              + IoErrors.quote(token)
              + " of more than "
              + MAX_TOKEN
              + " characters or with half a surrogate pair");
    }
    if (ids.putIfAbsent(token, id) != null) {
      throw bad("vocab has the token " + IoErrors.quote(token) + " twice");
    }
    if (taken.get(id)) {
      throw bad("vocab has the token id " + id + " twice");
    }
    taken.set(id);
  }

  /** Of Unigram: [token, score]. */
  private void addScored(JsonElement element) {
    JsonArray entry = element.getAsJsonArray();
    add(entry.get(0).getAsString(), ids.size());
    if (!(Math.abs(entry.get(1).getAsDouble()) < 1e9)) {
      throw bad("vocab has the score " + entry.get(1) + ", which is no logarithm");
    }
  }

  private void checkOptions() {
    if (type.equals("Unigram")) {
      JsonElement unknown = json.get("unk_id");
      if (unknown == null || id(unknown) >= ids.size()) {
        throw bad("unk_id is " + unknown + ", not one of the vocabulary's ids");
      }
      return;
    }
    if (type.equals("WordPiece")) { // required there
      json.asMap().putIfAbsent("unk_token", new JsonPrimitive("[UNK]"));
      json.asMap().putIfAbsent("continuing_subword_prefix", new JsonPrimitive("##"));
      json.asMap().putIfAbsent("max_input_chars_per_word", new JsonPrimitive(100));
      if (id(json.get("max_input_chars_per_word")) > MAX_WORD) {
        throw bad("max_input_chars_per_word is more than " + MAX_WORD);
      }
    } else if (!text("continuing_subword_prefix").isEmpty()) { // the library would panic
      throw bad("continuing_subword_prefix of a BPE is not supported");
    }
    if (json.has("unk_token") && !ids.containsKey(text("unk_token"))) {
      throw bad(
          "unk_token is "
              + IoErrors.quote(text("unk_token"))
              + ", which the vocabulary does not have");
    }
  }

  private String text(String key) {
    return json.has(key) ? json.get(key).getAsString() : "";
  }

  private void checkTrie() {
    byte[][] sorted =
        ids.keySet().stream()
            .map(token -> token.getBytes(StandardCharsets.UTF_8))
            .sorted(Arrays::compare)
            .toArray(byte[][]::new);
    long nodes = 0;
    byte[] before = {};
    for (byte[] token : sorted) {
      int differs = Arrays.mismatch(before, token);
      nodes += token.length - Math.max(differs, 0);
      before = token;
    }
    long most = Math.min(MAX_NODES, MAX_NODES_BESIDE + (long) MAX_NODES_PER_TOKEN * ids.size());
    if (nodes > most) {
      throw bad("vocab has tokens of " + nodes + " different beginnings, more than " + most);
    }
  }

  private static IllegalArgumentException bad(String problem) {
    return new IllegalArgumentException("model." + problem);
  }

  /** The number of a token. */
  static int id(JsonElement element) {
    if (element instanceof JsonPrimitive number
        && number.isNumber()
        && number.getAsString().matches("[0-9]{1,9}")
        && number.getAsInt() < MAX_ID) {
      return number.getAsInt();
    }
    throw new IllegalArgumentException(
        "an id is "
            + IoErrors.quote(String.valueOf(element))
            + ", not a whole number from 0 to "
            + (MAX_ID - 1));
  }

  /** Whether a text is short enough for a token, and valid Unicode. */
  static boolean isToken(String text) {
    return text.length() <= MAX_TOKEN && Characters.isWellFormed(text);
  }

  /** The number of tokens. */
  int size() {
    return ids.size();
  }

  /** A token's id, or null. */
  Integer id(String token) {
    return ids.get(token);
  }

  /** Whether this is CLIP's own: each token at its id, each merge in its place, words ended. */
  boolean isClip() {
    return clip;
  }

  private boolean findClip() {
    return type.equals("BPE")
        && ids.size() == ClipTokenizer.VOCABULARY_SIZE
        && text("end_of_word_suffix").equals("</w>")
        && merges().equals(BytePairs.mergeSymbols())
        && ids.equals(BytePairs.vocabulary());
  }

  /** Left and right part of each merge, which is "left right" or ["left", "right"]. */
  private List<String> merges() {
    List<String> parts = new ArrayList<>();
    if (!(json.get("merges") instanceof JsonArray merges)) {
      throw bad("merges is missing or no array");
    }
    for (JsonElement merge : merges) {
      if (merge instanceof JsonArray pair) {
        pair.forEach(part -> parts.add(part.getAsString()));
      } else {
        parts.addAll(List.of(merge.getAsString().split(" ", -1)));
      }
    }
    return parts;
  }

  /** The model as the native library wants it. */
  JsonObject json() {
    return json;
  }
}
