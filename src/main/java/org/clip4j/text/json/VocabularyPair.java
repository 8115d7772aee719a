package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.io.JsonFile;
import org.clip4j.io.Tables;

/**
 * {@code vocab.json} and {@code merges.txt}, which transformers wrote for CLIP before it knew
 * {@code tokenizer.json}, as such a file: with the pipeline that its {@code CLIPTokenizer} builds
 * around them.
 */
final class VocabularyPair {
  static final String VOCABULARY = "vocab.json";
  private static final String MERGES = "merges.txt";

  static final List<String> FILES = List.of(VOCABULARY, MERGES);

  private static final int MAX_BYTES = 16 << 20; // OpenAI's have 0.9 and 0.5 MB
  private static final String END = "<|endoftext|>";

  private VocabularyPair() {}

  static JsonObject read(Path folder) throws IOException {
    Path file = folder.resolve(VOCABULARY);
    JsonObject vocabulary = JsonFile.read(file, MAX_BYTES, TokenizerFormatException::new);
    JsonObject json = Tables.json(VocabularyPair.class, "clip_pipeline.json");
    JsonObject padding = new JsonObject();
    padding.addProperty("pad_token", END);
    json.add("padding", padding);
    for (JsonElement added : json.getAsJsonArray("added_tokens")) {
      String token = added.getAsJsonObject().get("content").getAsString();
      if (!(vocabulary.get(token) instanceof JsonPrimitive id)) {
        throw new TokenizerFormatException(file + " has no token " + token);
      }
      added.getAsJsonObject().add("id", id);
      json.getAsJsonObject("post_processor")
          .getAsJsonArray(token.equals(END) ? "sep" : "cls")
          .set(1, id);
    }
    JsonObject model = json.getAsJsonObject("model");
    model.add("vocab", vocabulary);
    JsonArray merges = model.getAsJsonArray("merges");
    JsonFile.text(folder.resolve(MERGES), MAX_BYTES, TokenizerFormatException::new)
        .lines()
        .filter(line -> !line.startsWith("#version") && !line.isBlank())
        .forEach(merges::add);
    return json;
  }
}
