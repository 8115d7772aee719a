package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.json.TokenizerJson;
import org.clip4j.text.json.TokenizerRules;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whether CLIP's vocabulary in a tokenizer.json is told from others. */
class ClipVocabularyTest {
  private static final TokenizerRules RULES = TokenizerRules.builder().setContextLength(77).build();

  @TempDir Path folder;

  private Tokenizer open(Consumer<JsonObject> change) throws IOException {
    JsonObject json = JsonParser.parseString(TransformersTokenizer.tokenizer()).getAsJsonObject();
    change.accept(json.getAsJsonObject("model"));
    Files.writeString(folder.resolve("tokenizer.json"), json.toString());
    Files.writeString(folder.resolve("tokenizer_config.json"), TransformersTokenizer.config(77));
    return TokenizerJson.openAny(folder, RULES);
  }

  @Test
  void clips_own_gives_clips_tokenizer() throws IOException {
    try (Tokenizer tokenizer = open(model -> {})) {
      assertThat(tokenizer).isInstanceOf(ClipTokenizer.class);
      assertThat(tokenizer.contextLength()).isEqualTo(77);
    }
  }

  @Test
  void merges_may_be_pairs() throws IOException {
    try (Tokenizer tokenizer =
        open(
            model -> {
              JsonArray pairs = new JsonArray();
              for (JsonElement merge : model.getAsJsonArray("merges")) {
                JsonArray pair = new JsonArray();
                for (String part : merge.getAsString().split(" ")) {
                  pair.add(part);
                }
                pairs.add(pair);
              }
              model.add("merges", pairs);
            })) {
      assertThat(tokenizer).isInstanceOf(ClipTokenizer.class);
    }
  }

  @Test
  void another_order_of_merges_is_another_tokenizer() throws IOException {
    try (Tokenizer tokenizer =
        open(
            model -> {
              JsonArray merges = model.getAsJsonArray("merges");
              merges.set(0, merges.set(1, merges.get(0)));
            })) {
      assertThat(tokenizer).isInstanceOf(TokenizerJson.class);
      assertThat(tokenizer.encode("a photo of a dog"))
          .isEqualTo(ClipTokenizer.create().encode("a photo of a dog"));
    }
  }

  @Test
  void another_token_at_an_id_is_another_tokenizer() throws IOException {
    try (Tokenizer tokenizer =
        open(
            model -> {
              JsonObject vocab = model.getAsJsonObject("vocab");
              JsonElement a = vocab.get("!");
              vocab.add("!", vocab.get("\""));
              vocab.add("\"", a);
            })) {
      assertThat(tokenizer).isInstanceOf(TokenizerJson.class);
    }
  }
}
