package org.clip4j.text.json;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.text.internal.Characters;

/**
 * The model of a {@code tokenizer.json}: a vocabulary with its scores (Unigram), its merges (BPE)
 * or neither (WordPiece), checked so that the native library meets nothing that it cannot bear, and
 * nothing that the file says twice.
 */
final class Vocabulary {
  /** Token ids are below this. */
  static final int MAX_ID = 1 << 24;

  /** The most characters of a token; the library's trie is as deep as the longest. */
  static final int MAX_TOKEN = 256;

  private static final int MAX_ENTRIES = 1 << 21;
  private static final int MAX_MERGES = 1 << 22;

  /**
   * Nodes of Unigram's trie, which has one for each byte that two tokens do not begin with alike
   * and takes about 335 bytes for it (measured).
   */
  private static final int MAX_NODES = 1 << 22;

  private static final int MAX_NODES_PER_TOKEN = 8;
  private static final int MAX_NODES_BESIDE = 1 << 16;

  /** Of a word that is longer, WordPiece's search would take too long; published is 100. */
  private static final int MAX_WORD = 256;

  private static final Set<String> BPE_FLAGS = Set.of("fuse_unk", "byte_fallback", "ignore_merges");

  private final JsonInput json;
  private final int maxEntries;
  private String type;

  private final List<String> tokens = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final BitSet taken = new BitSet();

  /** Of Unigram, as written in the file. */
  private final List<String> scores = new ArrayList<>();

  /** Of BPE: left and right part of each merge, by id. */
  private List<String> merges = null;

  /** The smaller fields, ready to write. */
  private final Map<String, Object> options = new LinkedHashMap<>();

  private Vocabulary(JsonInput json, int vocabSize) {
    this.json = json;
    // Some published vocabularies have a few hundred tokens that their model lacks.
    maxEntries = vocabSize == 0 ? MAX_ENTRIES : (int) Math.min(2L * vocabSize + 8192, MAX_ENTRIES);
  }

  /**
   * Reads the model.
   *
   * @param vocabSize the number of token ids that the model knows, or 0
   */
  static Vocabulary read(JsonInput json, int vocabSize) throws IOException {
    Vocabulary model = new Vocabulary(json, vocabSize);
    json.object(model::field);
    model.check();
    return model;
  }

  private void field(String key) throws IOException {
    switch (key) {
      case "type" -> type = json.text("model.type");
      case "vocab" -> {
        if (!tokens.isEmpty()) {
          throw json.bad("model.vocab is there twice");
        }
        if (json.isArray()) {
          json.array(this::scored);
        } else {
          json.object(this::numbered);
        }
      }
      case "merges" -> {
        merges = new ArrayList<>();
        json.array(this::merge);
      }
      case "dropout" -> {
        if (!json.isNull() && Double.parseDouble(json.number("model.dropout")) != 0) {
          throw json.bad("model.dropout is not 0: tokens would be random");
        }
      }
      case "unk_id" -> {
        if (!json.isNull()) {
          options.put(key, json.whole("model.unk_id", MAX_ENTRIES));
        }
      }
      case "unk_token", "continuing_subword_prefix", "end_of_word_suffix" -> {
        if (!json.isNull()) {
          String text = json.text("model." + key);
          if (!isToken(text)) {
            throw json.bad("model." + key + " is " + JsonInput.shorten(text) + ", no token");
          }
          options.put(key, text);
        }
      }
      case "max_input_chars_per_word" -> options.put(key, json.whole("model." + key, MAX_WORD));
      default -> {
        if (!BPE_FLAGS.contains(key)) {
          throw json.bad("model." + JsonInput.shorten(key) + " is not known");
        }
        if (!json.isNull()) {
          options.put(key, json.flag());
        }
      }
    }
  }

  private void add(String token, int id) throws TokenizerFormatException {
    if (tokens.size() == maxEntries) {
      throw json.bad("the vocabulary has more than " + maxEntries + " tokens");
    }
    if (!isToken(token)) {
      throw json.bad(
          "token "
              + id
              + ", \""
              + JsonInput.shorten(token)
              + "\", has more than "
              + MAX_TOKEN
              + " characters or half a surrogate pair");
    }
    if (ids.putIfAbsent(token, id) != null) {
      throw json.bad("token \"" + JsonInput.shorten(token) + "\" is there twice");
    }
    if (taken.get(id)) {
      throw json.bad("token id " + id + " is there twice");
    }
    taken.set(id);
    tokens.add(token);
  }

  /** Of Unigram: [token, score]. */
  private void scored() throws IOException {
    int before = tokens.size() + scores.size();
    json.array(
        () -> {
          switch (tokens.size() + scores.size() - before) {
            case 0 -> add(json.text("a token"), tokens.size());
            case 1 -> {
              String score = json.number("a token's score");
              if (!(Math.abs(Double.parseDouble(score)) < 1e9)) {
                throw json.bad("score " + JsonInput.shorten(score) + " is not a logarithm");
              }
              scores.add(score);
            }
            default -> throw json.bad("a token has more than its text and its score");
          }
        });
    if (scores.size() != tokens.size()) {
      throw json.bad("token " + (tokens.size() - 1) + " has no score");
    }
  }

  private void numbered(String token) throws IOException {
    add(token, json.whole("a token's id", MAX_ID - 1));
  }

  /** Of BPE: "left right" or ["left", "right"]. */
  private void merge() throws IOException {
    int before = merges.size();
    if (before == 2 * MAX_MERGES) {
      throw json.bad("there are more than " + MAX_MERGES + " merges");
    }
    if (json.isText()) {
      String merge = json.text("a merge");
      int space = merge.indexOf(' ');
      if (space < 0 || space != merge.lastIndexOf(' ')) {
        throw json.bad("merge \"" + JsonInput.shorten(merge) + "\" does not have two parts");
      }
      merges.add(merge.substring(0, space));
      merges.add(merge.substring(space + 1));
    } else {
      json.array(() -> merges.add(json.text("a merge's part")));
      if (merges.size() != before + 2) {
        throw json.bad("merge " + before / 2 + " does not have two parts");
      }
    }
  }

  private void check() throws TokenizerFormatException {
    if (type == null) { // old files
      type = merges != null ? "BPE" : scores.isEmpty() ? "WordPiece" : "Unigram";
    }
    boolean known =
        switch (type) {
          case "Unigram" -> merges == null && scores.size() == tokens.size();
          case "BPE" -> merges != null && scores.isEmpty();
          case "WordPiece" -> merges == null && scores.isEmpty();
          default -> throw json.bad("model.type " + JsonInput.shorten(type) + " is not known");
        };
    if (!known) {
      throw json.bad("model." + type + " does not have what such a model is made of");
    }
    if (tokens.isEmpty()) {
      throw json.bad("the vocabulary is empty");
    }
    switch (type) {
      case "Unigram" -> {
        Object unknown = options.get("unk_id");
        if (unknown == null || (int) unknown >= tokens.size()) {
          throw json.bad("model.unk_id is " + unknown + ", not one of the vocabulary's ids");
        }
        only("unk_id", "byte_fallback");
        checkTrie();
      }
      case "BPE" -> {
        checkUnknownToken();
        only(
            "unk_token",
            "continuing_subword_prefix",
            "end_of_word_suffix",
            "fuse_unk",
            "byte_fallback",
            "ignore_merges");
        if (!"".equals(options.getOrDefault("continuing_subword_prefix", ""))) {
          throw json.bad("model.continuing_subword_prefix of a BPE is not supported");
        }
        checkMerges();
      }
      default -> {
        if (!options.containsKey("unk_token")) {
          options.put("unk_token", "[UNK]");
        }
        checkUnknownToken();
        only("unk_token", "continuing_subword_prefix", "max_input_chars_per_word");
      }
    }
  }

  private void checkTrie() throws TokenizerFormatException {
    byte[][] sorted =
        tokens.stream()
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
    long most = Math.min(MAX_NODES, MAX_NODES_BESIDE + (long) MAX_NODES_PER_TOKEN * tokens.size());
    if (nodes > most) {
      throw json.bad(
          "the vocabulary's tokens have " + nodes + " different beginnings, more than " + most);
    }
  }

  private void only(String... keys) throws TokenizerFormatException {
    for (String key : options.keySet()) {
      if (!List.of(keys).contains(key)) {
        throw json.bad("model." + key + " says nothing to a " + type);
      }
    }
  }

  private void checkUnknownToken() throws TokenizerFormatException {
    Object unknown = options.get("unk_token");
    if (unknown != null && !ids.containsKey(unknown)) {
      throw json.bad("model.unk_token is " + unknown + ", which the vocabulary does not have");
    }
  }

  private void checkMerges() throws TokenizerFormatException {
    for (int i = 0; i < merges.size(); i += 2) {
      String left = merges.get(i);
      String right = merges.get(i + 1);
      if (left.isEmpty()
          || right.isEmpty()
          || !ids.containsKey(left)
          || !ids.containsKey(right)
          || !ids.containsKey(left + right)) {
        throw json.bad(
            "merge "
                + i / 2
                + " of \""
                + JsonInput.shorten(left)
                + "\" and \""
                + JsonInput.shorten(right)
                + "\" is not of tokens in the vocabulary");
      }
    }
  }

  /** Whether a text is short enough for a token, and valid Unicode. */
  static boolean isToken(String text) {
    return text.length() <= MAX_TOKEN && Characters.isWellFormed(text);
  }

  /** The number of tokens. */
  int size() {
    return tokens.size();
  }

  /** A token's id, or null. */
  Integer id(String token) {
    return ids.get(token);
  }

  /** Whether this is CLIP's own: each token at its id, each merge in its place, words ended. */
  boolean isClip() {
    if (!type.equals("BPE")
        || tokens.size() != ClipTokenizer.VOCABULARY_SIZE
        || !"</w>".equals(options.get("end_of_word_suffix"))) {
      return false;
    }
    List<String> expected = BytePairs.mergeSymbols();
    if (!merges.equals(expected)) {
      return false;
    }
    int id = BytePairs.FIRST_MERGE;
    for (int i = 0; i < expected.size(); i += 2) {
      if (!Integer.valueOf(id++).equals(ids.get(expected.get(i) + expected.get(i + 1)))) {
        return false;
      }
    }
    for (Map.Entry<String, Integer> symbol : BytePairs.byteSymbols().entrySet()) {
      if (!symbol.getValue().equals(ids.get(symbol.getKey()))) {
        return false;
      }
    }
    return Integer.valueOf(BytePairs.START).equals(ids.get("<|startoftext|>"))
        && Integer.valueOf(BytePairs.END).equals(ids.get("<|endoftext|>"));
  }

  /** Writes the model as the native library wants it. */
  void write(JsonWriter out) throws IOException {
    out.beginObject();
    out.name("type").value(type);
    for (Map.Entry<String, Object> option : options.entrySet()) {
      out.name(option.getKey());
      if (option.getValue() instanceof Boolean flag) {
        out.value(flag);
      } else if (option.getValue() instanceof Integer number) {
        out.value(number);
      } else {
        out.value((String) option.getValue());
      }
    }
    if (type.equals("WordPiece")) { // required there
      if (!options.containsKey("continuing_subword_prefix")) {
        out.name("continuing_subword_prefix").value("##");
      }
      if (!options.containsKey("max_input_chars_per_word")) {
        out.name("max_input_chars_per_word").value(100);
      }
    }
    out.name("vocab");
    if (type.equals("Unigram")) {
      out.beginArray();
      for (int i = 0; i < tokens.size(); i++) {
        out.beginArray().value(tokens.get(i)).jsonValue(scores.get(i)).endArray();
      }
      out.endArray();
    } else {
      out.beginObject();
      for (String token : tokens) {
        out.name(token).value(ids.get(token));
      }
      out.endObject();
    }
    if (merges != null) {
      out.name("merges").beginArray();
      for (int i = 0; i < merges.size(); i += 2) {
        out.beginArray().value(merges.get(i)).value(merges.get(i + 1)).endArray();
      }
      out.endArray();
    }
    out.endObject();
  }
}
