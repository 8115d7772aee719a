package org.clip4j.text.json;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
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
    JsonObject json =
        JsonParser.parseString(
                String.join("\n", Tables.lines(VocabularyPair.class, "clip_pipeline.json")))
            .getAsJsonObject();
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
    JsonObject model = new JsonObject();
    model.addProperty("type", "BPE");
    model.addProperty("unk_token", END);
    model.addProperty("continuing_subword_prefix", "");
    model.addProperty("end_of_word_suffix", "</w>");
    model.add("vocab", vocabulary);
    model.add("merges", merges(folder.resolve(MERGES)));
    json.add("model", model);
    return json;
  }

  private static JsonArray merges(Path file) throws IOException {
    byte[] bytes = JsonFile.bytes(file, MAX_BYTES, TokenizerFormatException::new);
    JsonArray merges = new JsonArray();
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      text.lines()
          .filter(line -> !line.startsWith("#version") && !line.isBlank())
          .forEach(merges::add);
    } catch (CharacterCodingException e) {
      throw new TokenizerFormatException(file + " is not UTF-8", e);
    }
    return merges;
  }
}
