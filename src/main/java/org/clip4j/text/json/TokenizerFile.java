package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFile;
import org.clip4j.text.TextCleaning;

/**
 * A {@code tokenizer.json}, read and checked. The native library never sees the file: it gets the
 * parts of it that are known and used, see {@link #open}. Most mistakes in them it reports; checked
 * here, see {@link Vocabulary}, {@link Components}, {@link Charsmap}, are those by which it ends
 * the process, takes very long or fills the memory, and what it takes no notice of.
 */
final class TokenizerFile {
  /** XLM-V's, the largest that is published for such models, has about 60 MB. */
  private static final int MAX_BYTES = 96 << 20;

  /** For each token of the model; Gemma's file, with its merges, has about 130. */
  private static final int MAX_BYTES_PER_TOKEN = 256;

  /** What does not grow with the vocabulary, such as a character map. */
  private static final int MAX_BYTES_BESIDE = 2 << 20;

  private static final Set<String> KEYS =
      Set.of(
          "version",
          "truncation",
          "padding",
          "added_tokens",
          "normalizer",
          "pre_tokenizer",
          "post_processor",
          "decoder",
          "model");

  private final Path file;
  private final JsonObject json;
  private final Map<String, AddedToken> added = new LinkedHashMap<>();
  private final PostProcessor postProcessor;
  private final JsonObject padding;
  private final JsonObject truncation;
  private final Vocabulary model;

  private TokenizerFile(Path file, JsonObject json, int vocabSize) throws TokenizerFormatException {
    this.file = file;
    this.json = json;
    for (String key : json.keySet()) {
      if (!KEYS.contains(key)) {
        throw bad(IoErrors.quote(key) + " is not known");
      }
    }
    if (!(json.get("model") instanceof JsonObject content)) {
      throw bad("has no model");
    }
    model = new Vocabulary(content, vocabSize);
    if (has("normalizer")) {
      Components.checkNormalizer(json.get("normalizer"));
    }
    if (has("pre_tokenizer")) {
      Components.checkPreTokenizer(json.get("pre_tokenizer"));
    }
    postProcessor = PostProcessor.of(json.get("post_processor"));
    padding = objectOrEmpty(json.get("padding"));
    truncation = objectOrEmpty(json.get("truncation"));
    if (has("added_tokens")) {
      for (JsonElement element : json.getAsJsonArray("added_tokens")) {
        JsonObject token = element.getAsJsonObject();
        AddedToken read = AddedToken.of(file + ": ", Vocabulary.id(token.get("id")), token);
        if (added.put(read.content(), read) != null) {
          throw bad("added token " + IoErrors.quote(read.content()) + " is there twice");
        }
      }
    }
    checkAdded();
  }

  private boolean has(String key) {
    return json.has(key) && !json.get(key).isJsonNull();
  }

  /**
   * Reads a file.
   *
   * @param vocabSize the number of token ids that the model knows, to which memory is bound; 0 if
   *     not known
   */
  static TokenizerFile read(Path file, int vocabSize) throws IOException {
    long bytes = MAX_BYTES_BESIDE + (long) MAX_BYTES_PER_TOKEN * vocabSize;
    int most = vocabSize == 0 ? MAX_BYTES : (int) Math.min(bytes, MAX_BYTES);
    return of(file, JsonFile.read(file, most, TokenizerFormatException::new), vocabSize);
  }

  /** Reads {@code vocab.json} and {@code merges.txt} of a folder. */
  static TokenizerFile readPair(Path folder, int vocabSize) throws IOException {
    return of(folder.resolve(VocabularyPair.VOCABULARY), VocabularyPair.read(folder), vocabSize);
  }

  /** Reads {@code vocab.txt} of a folder. */
  static TokenizerFile readPieces(Path folder, int vocabSize) throws IOException {
    return of(folder.resolve(WordPieces.FILE), WordPieces.read(folder), vocabSize);
  }

  /** Reads the model of SentencePiece in a folder. */
  static TokenizerFile readSentencePieces(Path folder, SentencePieces.Kind kind, int vocabSize)
      throws IOException {
    return of(folder.resolve(kind.file), SentencePieces.read(folder, kind), vocabSize);
  }

  private static TokenizerFile of(Path file, JsonObject json, int vocabSize)
      throws TokenizerFormatException {
    try {
      return new TokenizerFile(file, json, vocabSize);
    } catch (IllegalArgumentException e) {
      throw new TokenizerFormatException(file + " is not valid: " + IoErrors.message(e), e);
    } catch (RuntimeException e) { // Gson's, of several kinds, for what is not what was asked for
      throw new TokenizerFormatException(
          file + " is not laid out as a tokenizer.json: " + IoErrors.message(e), e);
    }
  }

  private static JsonObject objectOrEmpty(JsonElement element) {
    return element instanceof JsonObject object ? object : new JsonObject();
  }

  /** The native library numbers them by itself; that must give the numbers in the file. */
  private void checkAdded() throws TokenizerFormatException {
    if (added.size() > AddedToken.MAX_COUNT) {
      throw bad("there are more than " + AddedToken.MAX_COUNT + " added tokens");
    }
    int next = model.size();
    for (AddedToken token : added.values()) {
      Integer known = model.id(token.content());
      int expected = known != null ? known : next;
      next = Math.max(next, expected + 1);
      if (token.id() != expected) {
        throw bad(
            "added token "
                + IoErrors.quote(token.content())
                + " has the id "
                + token.id()
                + ", but the vocabulary and the tokens before it make that "
                + expected);
      }
    }
  }

  /**
   * Takes in what the files beside it say, as transformers does: added tokens that are repeated
   * there with other flags, tokens that stand only there, and named tokens of the vocabulary that
   * are nowhere added. (Like transformers it takes no notice of {@code add_bos_token} where there
   * is a tokenizer.json.)
   */
  void apply(TokenizerConfig config) throws TokenizerFormatException {
    for (AddedToken token : config.addedTokens()) {
      added.put(token.content(), token);
    }
    for (String name : config.namedTokens()) {
      Integer id = model.id(name);
      if (id != null && !added.containsKey(name) && !name.isEmpty()) {
        added.put(name, new AddedToken(id, name, false, false, false, false, true));
      }
    }
    checkAdded();
    for (AddedToken token : config.extraTokens()) {
      if (!added.containsKey(token.content())) {
        Integer id = model.id(token.content());
        added.put(token.content(), token.withId(id != null ? id : size()));
      }
    }
  }

  /** All added tokens. */
  Collection<AddedToken> added() {
    return added.values();
  }

  /** The number of token ids, those of added tokens included. */
  int size() {
    int last = added.values().stream().mapToInt(AddedToken::id).max().orElse(0);
    return Math.max(model.size(), last + 1);
  }

  /** The id of a token that has to be there. */
  int required(String name, String token) throws TokenizerFormatException {
    Integer id = id(token);
    if (id == null) {
      throw bad(name + " is " + IoErrors.quote(token) + ", which the vocabulary does not have");
    }
    return id;
  }

  /** A token's id, or null. */
  Integer id(String token) {
    AddedToken found = added.get(token);
    return found != null ? Integer.valueOf(found.id()) : model.id(token);
  }

  PostProcessor postProcessor() {
    return postProcessor;
  }

  Vocabulary model() {
    return model;
  }

  /** A text under {@code padding}, such as {@code pad_token}, or null. */
  String padding(String key) {
    return text(padding, key);
  }

  /** A text under {@code truncation}, or null. */
  String truncation(String key) {
    return text(truncation, key);
  }

  private static String text(JsonObject object, String key) {
    return object.get(key) instanceof JsonPrimitive text && text.isString()
        ? text.getAsString()
        : null;
  }

  TokenizerFormatException bad(String problem) {
    return new TokenizerFormatException(file + ": " + problem);
  }

  /**
   * Gives the tokenizer to the native library, without padding, truncation and special tokens
   * around a text, which are done here.
   */
  NativeTokenizer open(TextCleaning cleaning) throws IOException {
    String normalizer = normalizer(cleaning).toString();
    JsonObject out = new JsonObject();
    if (json.has("version")) {
      out.add("version", json.get("version"));
    }
    List<AddedToken> tokens = new ArrayList<>();
    JsonArray array = new JsonArray();
    for (AddedToken token : added.values()) {
      // SiglipTokenizer finds them in the text as it is, whatever their flags.
      tokens.add(cleaning == TextCleaning.SIGLIP ? token.asTyped() : token);
      array.add(tokens.get(tokens.size() - 1).toJson());
    }
    out.add("added_tokens", array);
    out.add("normalizer", normalizer(cleaning));
    JsonElement own = preTokenizer(cleaning);
    out.add("pre_tokenizer", own != null ? own : json.get("pre_tokenizer"));
    out.add("model", model.json());
    try {
      checkNormalized(tokens, normalizer);
      checkStripped(tokens, normalizer);
      return NativeTokenizer.of(out.toString());
    } catch (IllegalArgumentException e) {
      String reason = IoErrors.message(e).replaceAll(" at line \\d+ column \\d+", "");
      throw bad(
          "the tokenizers library refuses it: "
              + reason
              + "; in Python AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes"
              + " it anew");
    }
  }

  /**
   * Refuses added tokens of which normalization leaves nothing: the library would find them between
   * any two bytes, and panic between those of one character.
   */
  private void checkNormalized(List<AddedToken> tokens, String normalizer)
      throws TokenizerFormatException {
    if (normalizer.equals("null") || tokens.stream().noneMatch(AddedToken::normalized)) {
      return;
    }
    try (NativeTokenizer words = NativeTokenizer.of(words(normalizer, "null"))) {
      for (AddedToken token : tokens) {
        if (token.normalized() && words.encode(token.content()).length == 0) {
          throw bad(
              "added token "
                  + token.id()
                  + " is to be normalized, which leaves nothing of "
                  + IoErrors.quote(token.content()));
        }
      }
    }
  }

  /**
   * Refuses added tokens that begin with white space beside one that takes the white space after it
   * away: of a text in which they follow each other the library would cut out the same piece twice,
   * and panic.
   */
  private void checkStripped(List<AddedToken> tokens, String normalizer)
      throws TokenizerFormatException {
    for (boolean normalized : new boolean[] {false, true}) { // are looked for one after the other
      List<AddedToken> group = tokens.stream().filter(t -> t.normalized() == normalized).toList();
      Optional<AddedToken> strips = group.stream().filter(AddedToken::rstrip).findFirst();
      if (strips.isEmpty()) {
        continue;
      }
      String leadingSpace =
          """
          {"type":"Split","pattern":{"Regex":"^\\\\s"},"behavior":"Removed","invert":true}""";
      String json = words(normalized ? normalizer : "null", leadingSpace);
      try (NativeTokenizer spaces = NativeTokenizer.of(json)) {
        for (AddedToken token : group) {
          if (spaces.encode(token.content()).length > 0) {
            throw bad(
                "added token "
                    + token.id()
                    + ", "
                    + IoErrors.quote(token.content())
                    + ", begins with white space, which added token "
                    + strips.get().id()
                    + " takes away (rstrip)");
          }
        }
      }
    }
  }

  /** A tokenizer that gives one token for each piece of a text. */
  private static String words(String normalizer, String preTokenizer) {
    return "{\"version\":\"1.0\",\"normalizer\":"
        + normalizer
        + ",\"pre_tokenizer\":"
        + preTokenizer
        + ",\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}}";
  }

  private JsonElement normalizer(TextCleaning cleaning) {
    String first = normalizers(cleaning);
    if (first.isEmpty()) {
      return has("normalizer") ? json.get("normalizer") : JsonNull.INSTANCE;
    }
    JsonObject all =
        JsonParser.parseString("{\"type\":\"Sequence\",\"normalizers\":[" + first + "]}")
            .getAsJsonObject();
    if (has("normalizer")) {
      all.getAsJsonArray("normalizers").add(json.get("normalizer"));
    }
    return all;
  }

  /** Cleaning between special tokens: normalizers that come before the file's, as JSON. */
  private static String normalizers(TextCleaning cleaning) {
    return switch (cleaning) {
      case SIGLIP ->
          """
          {"type":"Lowercase"},
          {"type":"Replace","pattern":{"Regex":"[!-/:-@\\\\[-`{-~]"},"content":""},
          {"type":"Replace","pattern":{"Regex":"\\\\s+"},"content":" "},
          {"type":"Strip","strip_left":true,"strip_right":true},
          {"type":"Replace","pattern":{"Regex":"▁$"},"content":""}""";
      case SIGLIP2 ->
          """
          {"type":"Lowercase"}""";
      default -> "";
    };
  }

  /** The pre-tokenizer to use for the file's, as JSON; null for the file's own. */
  private static JsonElement preTokenizer(TextCleaning cleaning) {
    return cleaning == TextCleaning.SIGLIP
        ? JsonParser.parseString(
            "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"never\",\"split\":true}")
        : null;
  }
}
