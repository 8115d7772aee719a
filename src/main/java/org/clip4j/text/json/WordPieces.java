package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.clip4j.io.JsonFile;

/**
 * A {@code vocab.txt} of BERT's as a {@code tokenizer.json}: with the pipeline that transformers'
 * {@code BertTokenizer} builds around it.
 */
final class WordPieces {
  static final String FILE = "vocab.txt";

  /** The classes of transformers that have such a vocabulary; no class is BERT's. */
  static final List<String> CLASSES = List.of("", "BertTokenizer", "DistilBertTokenizer");

  private static final int MAX_BYTES = 16 << 20; // that of 119,547 multilingual pieces has 1 MB

  private static final String PIPELINE =
      """
      {"version": "1.0", "truncation": null, "padding": {"pad_token": "{pad}"}, "added_tokens": [],
       "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                      "strip_accents": null, "lowercase": true},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "BertProcessing"},
       "decoder": null,
       "model": {"type": "WordPiece", "unk_token": "{unk}", "continuing_subword_prefix": "##",
                 "max_input_chars_per_word": 100}}
      """;

  private WordPieces() {}

  static JsonObject read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    TokenizerConfig config = TokenizerConfig.read(folder);
    JsonObject vocabulary = vocabulary(file);
    JsonObject json = JsonParser.parseString(PIPELINE).getAsJsonObject();
    JsonObject normalizer = json.getAsJsonObject("normalizer");
    normalizer.addProperty("lowercase", config.flag("do_lower_case", true));
    normalizer.addProperty("handle_chinese_chars", config.flag("tokenize_chinese_chars", true));
    Boolean strip = config.flag("strip_accents", null);
    normalizer.add("strip_accents", strip == null ? JsonNull.INSTANCE : new JsonPrimitive(strip));
    JsonArray added = json.getAsJsonArray("added_tokens");
    for (String name : List.of("pad", "unk", "cls", "sep", "mask")) {
      String given = config.token(name + "_token");
      String token = given == null ? "[" + name.toUpperCase(Locale.ROOT) + "]" : given;
      JsonElement id = vocabulary.get(token);
      if (id == null) {
        throw new TokenizerFormatException(
            file + " has no token " + token + ", the " + name + "_token");
      }
      added.add(new AddedToken(id.getAsInt(), token, false, false, false, false, true).toJson());
      place(json, name, token, id);
    }
    json.getAsJsonObject("model").add("vocab", vocabulary);
    return json;
  }

  private static void place(JsonObject json, String name, String token, JsonElement id) {
    switch (name) {
      case "pad" -> json.getAsJsonObject("padding").addProperty("pad_token", token);
      case "unk" -> json.getAsJsonObject("model").addProperty("unk_token", token);
      case "cls", "sep" -> {
        JsonArray numbered = new JsonArray();
        numbered.add(token);
        numbered.add(id);
        json.getAsJsonObject("post_processor").add(name, numbered);
      }
      default -> {} // stands nowhere else
    }
  }

  /** One token a line; of equal ones the last counts, as in Python. */
  private static JsonObject vocabulary(Path file) throws IOException {
    String text = JsonFile.text(file, MAX_BYTES, TokenizerFormatException::new);
    JsonObject vocabulary = new JsonObject();
    int id = 0;
    for (int from = 0; from < text.length(); ) {
      int end = text.indexOf('\n', from);
      int to = end < 0 ? text.length() : end;
      int trimmed = to > from && text.charAt(to - 1) == '\r' ? to - 1 : to;
      vocabulary.addProperty(text.substring(from, trimmed), id++);
      from = to + 1;
    }
    return vocabulary;
  }
}
