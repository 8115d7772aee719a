package org.clip4j.text.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.clip4j.io.IoErrors;
import org.clip4j.text.TextCleaning;

/**
 * A {@code tokenizer.json}, read and checked. The native library never sees the file: it gets what
 * {@link #open} writes anew from what was understood. That a mistake in it ends the process is why
 * nothing passes that is not known, see {@link Vocabulary}, {@link Components}, {@link Charsmap}.
 */
final class TokenizerFile {
  /** XLM-V's, the largest that is published for such models, has about 60 MB. */
  private static final int MAX_BYTES = 96 << 20;

  /** For each token of the model; Gemma's file, with its merges, has about 130. */
  private static final int MAX_BYTES_PER_TOKEN = 256;

  /** What does not grow with the vocabulary, such as a character map. */
  private static final int MAX_BYTES_BESIDE = 2 << 20;

  private final JsonInput json;
  private final int vocabSize;
  private final Map<String, AddedToken> added = new LinkedHashMap<>();
  private JsonObject normalizer;
  private JsonObject preTokenizer;
  private PostProcessor postProcessor = PostProcessor.NONE;
  private JsonObject padding = new JsonObject();
  private JsonObject truncation = new JsonObject();
  private Vocabulary model;

  private TokenizerFile(JsonInput json, int vocabSize) {
    this.json = json;
    this.vocabSize = vocabSize;
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
    return JsonInput.read(file, most, json -> read(json, vocabSize));
  }

  /** Reads {@code vocab.json} and {@code merges.txt} of a folder. */
  static TokenizerFile readPair(Path folder, int vocabSize) throws IOException {
    String json = VocabularyPair.toJson(folder);
    return JsonInput.read(
        folder.resolve(VocabularyPair.VOCABULARY),
        json.getBytes(StandardCharsets.UTF_8),
        input -> read(input, vocabSize));
  }

  private static TokenizerFile read(JsonInput json, int vocabSize) throws IOException {
    TokenizerFile tokenizer = new TokenizerFile(json, vocabSize);
    json.object(tokenizer::field);
    if (tokenizer.model == null) {
      throw json.bad("has no model");
    }
    tokenizer.checkAdded();
    return tokenizer;
  }

  private void field(String key) throws IOException {
    switch (key) {
      case "version" -> {
        String version = json.text("version");
        if (!version.equals("1.0")) {
          throw json.bad("version is " + JsonInput.shorten(version) + "; known is 1.0");
        }
      }
      case "truncation" -> truncation = objectOrEmpty(json.tree());
      case "padding" -> padding = objectOrEmpty(json.tree());
      case "added_tokens" -> json.array(this::addedToken);
      case "normalizer" -> normalizer = Components.normalizer(json, json.tree());
      case "pre_tokenizer" -> preTokenizer = Components.preTokenizer(json, json.tree());
      case "post_processor" -> postProcessor = PostProcessor.of(json, json.tree());
      case "decoder" -> json.skip();
      case "model" -> {
        if (model != null) {
          throw json.bad("model is there twice");
        }
        model = Vocabulary.read(json, vocabSize);
      }
      default -> throw json.bad(JsonInput.shorten(key) + " is not known");
    }
  }

  private static JsonObject objectOrEmpty(JsonElement element) {
    return element instanceof JsonObject object ? object : new JsonObject();
  }

  private void addedToken() throws IOException {
    if (!(json.tree() instanceof JsonObject token)
        || !(token.get("id") instanceof JsonPrimitive id)
        || !id.isNumber()
        || !id.getAsString().matches("[0-9]{1,9}")) {
      throw json.bad("an added token has no id");
    }
    AddedToken read = AddedToken.of(json.where(), id.getAsInt(), token);
    if (added.put(read.content(), read) != null) {
      throw json.bad("added token \"" + JsonInput.shorten(read.content()) + "\" is there twice");
    }
  }

  /** The native library numbers them by itself; that must give the numbers in the file. */
  private void checkAdded() throws TokenizerFormatException {
    if (added.size() > AddedToken.MAX_COUNT) {
      throw json.bad("there are more than " + AddedToken.MAX_COUNT + " added tokens");
    }
    int next = model.size();
    for (AddedToken token : added.values()) {
      Integer known = model.id(token.content());
      int expected = known != null ? known : next;
      next = Math.max(next, expected + 1);
      if (token.id() != expected) {
        throw json.bad(
            "added token \""
                + JsonInput.shorten(token.content())
                + "\" has the id "
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
        int last = added.values().stream().mapToInt(AddedToken::id).max().orElse(0);
        Integer id = model.id(token.content());
        int next = id != null ? id : Math.max(model.size(), last + 1);
        added.put(token.content(), token.withId(next));
      }
    }
  }

  /** All added tokens. */
  Collection<AddedToken> added() {
    return added.values();
  }

  /** The id of a token that has to be there. */
  int required(String name, String token) throws TokenizerFormatException {
    Integer id = id(token);
    if (id == null) {
      throw json.bad(
          name + " is " + JsonInput.shorten(token) + ", which the vocabulary does not have");
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
    return json.bad(problem);
  }

  /**
   * Gives the tokenizer to the native library, without padding, truncation and special tokens
   * around a text, which are done here.
   */
  NativeTokenizer open(TextCleaning cleaning) throws IOException {
    String normalizer = normalizer(cleaning).toString();
    List<AddedToken> tokens = new ArrayList<>();
    for (AddedToken token : added.values()) {
      // SiglipTokenizer finds them in the text as it is, whatever their flags.
      tokens.add(cleaning == TextCleaning.SIGLIP ? token.asTyped() : token);
    }
    String own = preTokenizer(cleaning);
    try {
      checkNormalized(tokens, normalizer);
      checkStripped(tokens, normalizer);
      return NativeTokenizer.of(
          toJson(tokens, normalizer, own != null ? own : String.valueOf(preTokenizer)));
    } catch (IllegalArgumentException e) {
      throw bad("the native library refuses it: " + IoErrors.message(e));
    }
  }

  private String toJson(List<AddedToken> tokens, String normalizer, String preTokenizer)
      throws IOException {
    StringWriter text = new StringWriter(1 << 16);
    JsonWriter out = new JsonWriter(text);
    out.setHtmlSafe(false);
    out.beginObject();
    out.name("version").value("1.0");
    out.name("added_tokens").beginArray();
    for (AddedToken token : tokens) {
      out.jsonValue(token.toJson().toString());
    }
    out.endArray();
    out.name("normalizer").jsonValue(normalizer);
    out.name("pre_tokenizer").jsonValue(preTokenizer);
    out.name("model");
    model.write(out);
    out.endObject();
    return text.toString();
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
                  + " is to be normalized, which leaves nothing of \""
                  + JsonInput.shorten(token.content())
                  + "\"");
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
                    + ", \""
                    + JsonInput.shorten(token.content())
                    + "\", begins with white space, which added token "
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
      return normalizer == null ? JsonNull.INSTANCE : normalizer;
    }
    JsonObject all =
        JsonParser.parseString("{\"type\":\"Sequence\",\"normalizers\":[" + first + "]}")
            .getAsJsonObject();
    if (normalizer != null) {
      all.getAsJsonArray("normalizers").add(normalizer);
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
  private static String preTokenizer(TextCleaning cleaning) {
    return cleaning == TextCleaning.SIGLIP
        ? "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"never\",\"split\":true}"
        : null;
  }
}
