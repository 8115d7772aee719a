package org.clip4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.SoftAssertions;
import org.clip4j.text.json.TokenizerJson;
import org.clip4j.text.json.TokenizerRules;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Token ids beside those of open_clip and transformers, see examples/peers/make_tokenizers.py. */
class TokenizerGoldenTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizers");

  @ParameterizedTest
  @ValueSource(strings = {"siglip", "gemma", "xlmr", "bert", "roberta"})
  void ids_are_those_of_the_python_libraries(String name, @TempDir Path scratch)
      throws IOException {
    List<String> lines = Files.readAllLines(FOLDER.resolve(name).resolve("expected.jsonl"));
    JsonArray cases = json(lines.get(0)).getAsJsonArray("cases");
    assertThat(cases).hasSizeGreaterThan(1);
    assertThat(lines).hasSizeGreaterThan(120);
    SoftAssertions softly = new SoftAssertions();
    for (int c = 0; c < cases.size(); c++) {
      JsonObject settings = cases.get(c).getAsJsonObject();
      Path folder = Files.createDirectory(scratch.resolve("case" + c));
      copy(FOLDER.resolve(name), folder, settings);
      try (Tokenizer tokenizer = TokenizerJson.openAny(folder, rules(settings, folder))) {
        assertThat(tokenizer.padId()).isEqualTo(settings.get("pad").getAsInt());
        for (String line : lines.subList(1, lines.size())) {
          String text = json(line).get("text").getAsString();
          long[] expected = ids(json(line).getAsJsonArray("ids").get(c), tokenizer);
          long[] actual = tokenizer.encode(List.of(text)).padded(tokenizer.contextLength());
          if (isKnownToDiffer(settings, text)) {
            softly.assertThat(actual).as("%s: %s", settings, text).isNotEqualTo(expected);
          } else {
            softly.assertThat(actual).as("%s: %s", settings, text).isEqualTo(expected);
          }
        }
      }
    }
    softly.assertAll();
  }

  /** As transformers' AutoTokenizer chooses it. */
  @ParameterizedTest
  @CsvSource({
    "'', siglip2, SIGLIP2",
    "'', siglip, SIGLIP",
    "'', clip, NONE",
    "GemmaTokenizer, siglip2, NONE",
    "'', 'clip\", \"tokenizer_class\": \"Siglip2TokenizerFast', SIGLIP2"
  })
  void a_class_that_the_tokenizer_does_not_name_is_the_model_s(
      String named, String model, TextCleaning cleaning, @TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"" + model + "\"}");
    String none = named.isEmpty() ? "null" : "\"" + named + "\"";
    Files.writeString(
        folder.resolve("tokenizer_config.json"), "{\"tokenizer_class\": " + none + "}");
    assertThat(TokenizerRules.transformers(folder, 9, 0).cleaning()).isEqualTo(cleaning);
  }

  private static boolean isKnownToDiffer(JsonObject settings, String text) {
    return settings.has("differ")
        && settings.getAsJsonArray("differ").contains(new JsonPrimitive(text));
  }

  private static JsonObject json(String line) {
    return JsonParser.parseString(line).getAsJsonObject();
  }

  private static void copy(Path from, Path to, JsonObject settings) throws IOException {
    Files.copy(from.resolve("tokenizer.json"), to.resolve("tokenizer.json"));
    JsonObject config = json(Files.readString(from.resolve("tokenizer_config.json")));
    if (settings.has("config")) {
      settings
          .getAsJsonObject("config")
          .entrySet()
          .forEach(e -> config.add(e.getKey(), e.getValue()));
    }
    Files.writeString(to.resolve("tokenizer_config.json"), config.toString());
  }

  private static TokenizerRules rules(JsonObject settings, Path folder) throws IOException {
    return settings.get("peer").getAsString().equals("openclip")
        ? TokenizerRules.openClip(settings.getAsJsonObject("text_cfg"))
        : TokenizerRules.transformers(folder, settings.get("context_length").getAsInt(), 0);
  }

  /** The expected ids with the padding that the file leaves out. */
  private static long[] ids(JsonElement array, Tokenizer tokenizer) {
    long[] ids = new long[tokenizer.contextLength()];
    Arrays.fill(ids, tokenizer.padId());
    int at = 0;
    for (JsonElement id : array.getAsJsonArray()) {
      ids[at++] = id.getAsInt();
    }
    return ids;
  }
}
