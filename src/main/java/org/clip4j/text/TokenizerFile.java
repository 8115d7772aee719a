package org.clip4j.text;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@code tokenizer.json}, read and checked. The native library never sees the file: it gets what
 * {@link #toJson} writes anew from what was understood. That a mistake in it ends the process is
 * why nothing passes that is not known, see {@link Vocabulary}, {@link Components}, {@link
 * Charsmap}.
 */
final class TokenizerFile {
  /** XLM-V's, the largest that is published for such models, has about 60 MB. */
  static final int MAX_BYTES = 96 << 20;

  private final JsonInput json;
  private Map<String, AddedToken> added = new LinkedHashMap<>();
  private JsonObject normalizer;
  private JsonObject preTokenizer;
  private PostProcessor postProcessor = PostProcessor.NONE;
  private JsonObject padding = new JsonObject();
  private JsonObject truncation = new JsonObject();
  private Vocabulary model;

  private TokenizerFile(JsonInput json) {
    this.json = json;
  }

  static TokenizerFile read(Path file) throws IOException {
    return JsonInput.read(
        file,
        MAX_BYTES,
        json -> {
          TokenizerFile tokenizer = new TokenizerFile(json);
          json.object(tokenizer::field);
          if (tokenizer.model == null) {
            throw json.bad("has no model");
          }
          tokenizer.checkAdded();
          return tokenizer;
        });
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
        model = Vocabulary.read(json);
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
    AddedToken read = AddedToken.of("", id.getAsInt(), token);
    if (added.put(read.content(), read) != null) {
      throw json.bad("added token \"" + JsonInput.shorten(read.content()) + "\" is there twice");
    }
    if (added.size() > AddedToken.MAX_COUNT) {
      throw json.bad("there are more than " + AddedToken.MAX_COUNT + " added tokens");
    }
  }

  /** The native library numbers them by itself; that must give the numbers in the file. */
  private void checkAdded() throws TokenizerFormatException {
    int next = model.size();
    for (AddedToken token : added.values()) {
      Integer known = model.id(token.content());
      int expected = known != null ? known : next++;
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
   * there with other flags, and named tokens of the vocabulary that are nowhere added. (Like
   * transformers it takes no notice of {@code add_bos_token} where there is a tokenizer.json.)
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
   * The tokenizer for the native library, without padding, truncation and special tokens around a
   * text, which are done here.
   */
  String toJson(TextCleaning cleaning) throws IOException {
    StringWriter text = new StringWriter(1 << 16);
    JsonWriter out = new JsonWriter(text);
    out.setHtmlSafe(false);
    out.beginObject();
    out.name("version").value("1.0");
    out.name("added_tokens").beginArray();
    for (AddedToken token : added.values()) {
      out.jsonValue(token.toJson().toString());
    }
    out.endArray();
    out.name("normalizer");
    out.jsonValue(normalizer(cleaning).toString());
    out.name("pre_tokenizer");
    String own = cleaning.preTokenizer();
    out.jsonValue(own != null ? own : String.valueOf(preTokenizer)); // or null
    out.name("model");
    model.write(out);
    out.endObject();
    return text.toString();
  }

  private JsonElement normalizer(TextCleaning cleaning) {
    String first = cleaning.normalizers();
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

  /** Its added tokens, in the order of the file. */
  List<AddedToken> addedTokens() {
    return new ArrayList<>(added.values());
  }
}
