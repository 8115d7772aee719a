package org.clip4j.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.clip4j.model.ClipConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.text.json.TokenizerFormatException;
import org.clip4j.text.json.TokenizerJson;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which tokenizer a transformers folder has; the ids are those of transformers 5.18. */
class CheckpointTokenizerTest {
  private static final String CLIPS = TransformersTokenizer.tokenizer();

  @TempDir Path folder;

  private static ClipConfig config(int vocabSize) throws IOException {
    Path file = Golden.folder("hf-clip").resolve("config.json");
    JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    json.getAsJsonObject("text_config").addProperty("vocab_size", vocabSize);
    return TransformersConfig.read(CheckpointFields.of("config.json", json));
  }

  private Tokenizer open(int vocabSize) throws IOException {
    return CheckpointTokenizer.open(Layout.TRANSFORMERS, folder, config(vocabSize)).orElse(null);
  }

  private void write(String name, String json) throws IOException {
    Files.writeString(folder.resolve(name), json.replace('\'', '"'));
  }

  private static JsonObject clips() throws IOException {
    return JsonParser.parseString(CLIPS).getAsJsonObject();
  }

  /** OpenAI's in the files that transformers wrote before tokenizer.json. */
  private void writePair(JsonObject vocabulary) throws IOException {
    Files.writeString(folder.resolve("vocab.json"), vocabulary.toString());
    List<String> lines = new ArrayList<>(List.of("#version: 0.2"));
    clips()
        .getAsJsonObject("model")
        .getAsJsonArray("merges")
        .forEach(m -> lines.add(m.getAsString()));
    Files.write(folder.resolve("merges.txt"), lines);
  }

  private static JsonObject vocabulary() throws IOException {
    return clips().getAsJsonObject("model").getAsJsonObject("vocab");
  }

  private void writeAdded(String... tokens) throws IOException {
    JsonObject json = clips();
    JsonArray added = json.getAsJsonArray("added_tokens");
    for (String token : tokens) {
      added.add(JsonParser.parseString(token.replace('\'', '"')));
    }
    Files.writeString(folder.resolve("tokenizer.json"), json.toString());
  }

  private static String token(int id, String content, boolean word, boolean normalized) {
    return ("{'id': %d, 'content': '%s', 'single_word': %s, 'lstrip': false, 'rstrip': false,"
            + " 'normalized': %s, 'special': false}")
        .formatted(id, content, word, normalized);
  }

  private static void assertIds(Tokenizer tokenizer, String text, int... between) {
    int[] ids = tokenizer.encode(text);
    assertThat(ids).startsWith(49406).endsWith(49407);
    assertThat(Arrays.copyOfRange(ids, 1, ids.length - 1)).as(text).isEqualTo(between);
  }

  @Test
  void added_tokens_of_a_tokenizer_json_have_their_ids() throws IOException {
    writeAdded(token(49408, "<cat-toy>", false, true), token(49409, "zxqv", false, true));

    try (Tokenizer tokenizer = open(49410)) {
      assertIds(tokenizer, "a photo of <cat-toy>", 320, 1125, 539, 49408);
      assertIds(tokenizer, "zxqvzxqv a Zed Word", 49409, 49409, 320, 1993, 2653);
      assertIds(tokenizer, "caf\u00e9 <Cat-Toy>  caf\u00e9", 15304, 49408, 15304);
      assertThat(tokenizer.encode("<cat-toy>".repeat(80))).hasSize(77).endsWith(49408, 49407);
      assertThat(tokenizer.encode("dog ".repeat(74) + "<cat-toy> dog")).endsWith(49408, 49407);
    }
    try (Tokenizer tokenizer = open(49409)) { // a model that was not enlarged for the second
      assertIds(tokenizer, "<cat-toy>", 49408);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.encode("zxqv"))
          .withMessageContainingAll("49409");
    }
  }

  @Test
  void flags_of_added_tokens_count() throws IOException {
    writeAdded(
        token(8272, "word", true, true),
        token(49408, "Big Cat", false, true),
        token(49409, "Raw Cat", false, false),
        token(49410, "<x>", false, true),
        token(49411, "<x>y", false, true));

    try (Tokenizer tokenizer = open(49420)) {
      assertIds(
          tokenizer,
          "word sword word2 word-word Word",
          8272,
          11356,
          2653,
          273,
          8272,
          268,
          8272,
          8272);
      assertIds(
          tokenizer,
          "a big cat and Big Cat Raw Cat raw cat",
          320,
          49408,
          537,
          49408,
          49409,
          6323,
          2368);
      assertIds(tokenizer, "<x>y <x> y<x>", 49411, 49410, 344, 49410);
    }
  }

  @Test
  void added_tokens_json_and_the_special_tokens_map_are_read_beside_older_files()
      throws IOException {
    writePair(vocabulary());
    assertThat(open(49408)).isInstanceOf(ClipTokenizer.class); // while no tokens are added
    write("added_tokens.json", "{'<cat-toy>': 49408, 'Zed Word': 49409, '<s1>': 49410}");
    write("special_tokens_map.json", "{'additional_special_tokens': ['<s1>']}");
    write("tokenizer_config.json", "{'tokenizer_class': 'CLIPTokenizer'}");

    try (Tokenizer tokenizer = open(49412)) {
      assertThat(tokenizer).isNotInstanceOf(TokenizerJson.class);
      assertIds(tokenizer, "a photo of <cat-toy>", 320, 1125, 539, 49408);
      assertIds(tokenizer, "<s1><S1> x<s1>y", 49410, 49410, 343, 49410, 344);
      assertIds(tokenizer, "a Zed Word, zed wordy", 320, 49409, 267, 49409, 344);
      assertThat(tokenizer.files()).hasSize(5); // and saving copies them
    }
  }

  @Test
  void the_added_tokens_decoder_goes_before_added_tokens_json() throws IOException {
    writePair(vocabulary());
    write("added_tokens.json", "{'<cat-toy>': 49408}");
    write(
        "tokenizer_config.json",
        "{'added_tokens_decoder': {'49408': "
            + token(0, "<Toy>", false, true).replace("'id': 0, ", "")
            + "}}");

    try (Tokenizer tokenizer = open(49410)) {
      assertIds(tokenizer, "a<Toy>b <toy>", 320, 49408, 321, 49408);
      assertIds(tokenizer, "<cat-toy>", 283, 2368, 268, 5988, 285);
    }
  }

  @Test
  void a_padding_token_of_the_vocabulary_is_found_in_texts() throws IOException {
    writeAdded();
    write("tokenizer_config.json", "{'pad_token': '!'}");

    try (Tokenizer tokenizer = open(49408)) {
      assertIds(tokenizer, "hello world! a! !", 3306, 1002, 0, 320, 0, 0);
    }
  }

  @Test
  void a_vocabulary_of_other_ids_is_read() throws IOException {
    List<String> tokens = new ArrayList<>(vocabulary().keySet());
    Collections.reverse(tokens.subList(512, tokens.size() - 2));
    JsonObject other = new JsonObject();
    tokens.forEach(token -> other.addProperty(token, other.size()));
    writePair(other);

    try (Tokenizer tokenizer = open(49408)) {
      assertThat(tokenizer).isInstanceOf(TokenizerJson.class);
      assertIds(tokenizer, "a photo of a cat", 320, 48792, 49378, 320, 47549);
      assertIds(tokenizer, "caf\u00e9 <cat-toy>", 34613, 283, 47549, 268, 43929, 285);
    }
  }

  @Test
  void files_of_another_tokenizer_are_refused_by_name() throws IOException {
    for (String name : List.of("vocab.txt", "spiece.model", "tokenizer.model", "vocab.json")) {
      Path file = Files.writeString(folder.resolve(name), "{}");
      assertThatThrownBy(() -> open(60_000))
          .isInstanceOf(TokenizerFormatException.class)
          .hasMessageContainingAll(folder.toString(), name, "save_pretrained");
      Files.delete(file);
    }
    write("tokenizer_config.json", "{'tokenizer_class': 'BertTokenizerFast'}");
    assertThatThrownBy(() -> open(49408)).hasMessageContaining("a 'BertTokenizer';");
  }

  @Test
  void a_model_with_added_tokens_is_saved_with_its_tokenizer() throws IOException {
    writeAdded(token(49408, "<cat-toy>", false, true));
    Path saved = folder.resolve("saved");
    try (Checkpoint golden = Checkpoint.open(Golden.folder("hf-clip"));
        Tokenizer tokenizer = open(49409)) {
      CheckpointWriter.of(golden.config(), golden.transform(), golden.parameters())
          .optTokenizer(tokenizer)
          .write(saved, Layout.TRANSFORMERS);
    }
    try (Checkpoint again = Checkpoint.open(saved);
        Tokenizer tokenizer = again.tokenizer().orElseThrow()) {
      assertThatIllegalArgumentException() // which this model, though, does not know
          .isThrownBy(() -> tokenizer.encode("<cat-toy>"))
          .withMessageContaining("49408");
    }
  }

  @Test
  void without_files_a_vocabulary_of_clips_size_alone_is_clips() throws IOException {
    assertThat(open(49408)).isInstanceOf(ClipTokenizer.class);
    assertThat(open(60_000)).isNull();
  }

  /** Embeddings are filled up to a round number, but not by a tenth. */
  @Test
  void a_vocabulary_that_is_much_smaller_than_the_text_tower_s_is_refused() throws IOException {
    Path siglip = Path.of("src/test/resources/tokenizers/siglip/tokenizer.json"); // 1,500 tokens
    Files.copy(siglip, folder.resolve("tokenizer.json"));
    assertThatThrownBy(() -> open(60_000))
        .hasMessageContainingAll("tokenizer.json has 1500 tokens", "was trained with 60000");
  }

  @Test
  void a_damaged_pair_is_refused_by_name() throws IOException {
    JsonObject vocabulary = vocabulary();
    vocabulary.remove("<|endoftext|>");
    writePair(vocabulary);
    assertThatThrownBy(() -> open(49408)).hasMessageContainingAll("vocab.json", "<|endoftext|>");
    writePair(vocabulary());
    for (String merge : List.of("a b c", "a \u4e00")) {
      Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n" + merge + "\n");
      assertThatThrownBy(() -> open(49408))
          .as(merge)
          .isInstanceOf(TokenizerFormatException.class)
          .hasMessageContainingAll("vocab.json", "library refuses", "save_pretrained");
    }
    Files.write(folder.resolve("merges.txt"), new byte[] {(byte) 0xE9, 'a'});
    assertThatThrownBy(() -> open(49408)).hasMessageContaining("merges.txt is not UTF-8");
    writePair(vocabulary());
    for (String added : List.of("1.5", "null")) {
      write("added_tokens.json", "{'<cat-toy>': " + added + "}");
      assertThatThrownBy(() -> open(49410))
          .isInstanceOf(TokenizerFormatException.class)
          .hasMessageContaining("added_tokens.json");
    }
  }
}
