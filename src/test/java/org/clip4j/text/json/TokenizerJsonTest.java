package org.clip4j.text.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.clip4j.text.TextCleaning;
import org.clip4j.text.TokenBatch;
import org.clip4j.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerJsonTest {
  private static final Path FOLDER = Path.of("src/test/resources/tokenizers");

  private static final TokenizerRules RULES = TokenizerRules.builder().setContextLength(16).build();

  @TempDir Path scratch;

  private static JsonObject json(String name) throws IOException {
    return JsonParser.parseString(Files.readString(FOLDER.resolve(name).resolve("tokenizer.json")))
        .getAsJsonObject();
  }

  private static JsonObject parse(String json) {
    return JsonParser.parseString(json).getAsJsonObject();
  }

  private TokenizerJson open(JsonObject json) throws IOException {
    Files.writeString(scratch.resolve("tokenizer.json"), json.toString());
    return TokenizerJson.open(scratch, RULES);
  }

  private void assertRefused(JsonObject json, String... messages) {
    assertThatThrownBy(() -> open(json).close())
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageContainingAll(messages);
  }

  @Test
  void a_batch_is_padded_with_the_tokenizers_own_id() throws IOException {
    try (Tokenizer tokenizer = TokenizerJson.open(FOLDER.resolve("xlmr"), RULES)) {
      TokenBatch batch = tokenizer.encode(List.of("dog", "a photo of a dog"));
      assertThat(batch.padId()).isEqualTo(1);
      long[] ids = batch.padded(16);
      assertThat(Arrays.copyOfRange(ids, batch.row(0).length, 16)).containsOnly(1);
      assertThat(batch.range(0, 1).padded(16)).isEqualTo(Arrays.copyOf(ids, 16));
    }
  }

  @Test
  void files_to_copy_are_those_that_belong_to_it() throws IOException {
    Files.copy(FOLDER.resolve("bert/tokenizer.json"), scratch.resolve("tokenizer.json"));
    Files.writeString(scratch.resolve("vocab.txt"), "x");
    Files.writeString(scratch.resolve("model.safetensors"), "x");
    try (TokenizerJson tokenizer = TokenizerJson.open(scratch, RULES)) {
      assertThat(tokenizer.files())
          .extracting(path -> path.getFileName().toString())
          .containsExactly("tokenizer.json", "vocab.txt");
    }
  }

  @Test
  void threads_share_a_tokenizer_and_closing_waits_for_them() throws Exception {
    List<String> texts = List.of("a photo of a dog", "red heart", "woman golfing", "犬の写真");
    List<int[]> expected = new ArrayList<>();
    TokenizerJson tokenizer = TokenizerJson.open(FOLDER.resolve("siglip"), RULES);
    texts.forEach(text -> expected.add(tokenizer.encode(text)));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Integer>> runs = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        runs.add(
            threads.submit(
                () -> {
                  int encoded = 0;
                  try {
                    for (; encoded < 1_000_000; encoded++) {
                      int at = encoded % texts.size();
                      assertThat(tokenizer.encode(texts.get(at))).isEqualTo(expected.get(at));
                    }
                    throw new AssertionError("never closed");
                  } catch (IllegalStateException e) {
                    assertThat(e).hasMessage("the tokenizer is closed");
                  }
                  return encoded;
                }));
      }
      Thread.sleep(100);
      tokenizer.close();
      tokenizer.close();
      for (Future<Integer> run : runs) {
        assertThat(run.get()).isPositive();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void native_memory_stays_flat() throws IOException {
    try (TokenizerJson tokenizer = TokenizerJson.open(FOLDER.resolve("gemma"), RULES)) {
      for (int i = 0; i < 20_000; i++) { // fills the library's cache of words
        tokenizer.encode("a photo of a dog number " + i);
      }
      long before = residentMemory();
      for (int i = 0; i < 50_000; i++) {
        tokenizer.encode("a picture of a cat number " + i);
      }
      assertThat(residentMemory() - before).isLessThan(16L << 20);
    }
  }

  /** Resident memory of this process, whose heap is resident from the start; 0 if not known. */
  private static long residentMemory() throws IOException {
    Path status = Path.of("/proc/self/status");
    return !Files.exists(status)
        ? 0
        : Files.readAllLines(status).stream()
            .filter(line -> line.startsWith("VmRSS:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
            .findFirst()
            .orElseThrow();
  }

  @Test
  void rules_follow_open_clips_text_config() {
    TokenizerRules rules =
        TokenizerRules.openClip(
            parse(
                """
                {"context_length": 32, "vocab_size": 32000, "tokenizer_kwargs":
                {"strip_sep_token": true, "clean": "canonicalize", "reduction_mask": "syntax",
                "language": "deu_Latn"}}
                """));
    assertThat(rules.contextLength()).isEqualTo(32);
    assertThat(rules.vocabSize()).isEqualTo(32000);
    assertThat(rules.separatorStripped()).isTrue();
    assertThat(rules.language()).isEqualTo("deu_Latn");
    assertThat(rules.cleaning()).isEqualTo(TextCleaning.CANONICALIZE);
    assertThat(TokenizerRules.openClip(parse("{}")).contextLength()).isEqualTo(77);
    assertThat(TokenizerRules.openClip(parse("{}")).cleaning()).isEqualTo(TextCleaning.WHITESPACE);
    for (String wrong :
        List.of(
            "{\"tokenizer_kwargs\": {\"clean\": \"none\"}}",
            "{\"tokenizer_kwargs\": {\"languages\": \"deu_Latn\"}}",
            "{\"tokenizer_kwargs\": []}",
            "{\"tokenizer_mode\": \"other\"}",
            "{\"context_length\": 0}",
            "{\"context_length\": 1e9}")) {
      assertThatIllegalArgumentException().isThrownBy(() -> TokenizerRules.openClip(parse(wrong)));
    }
  }

  @Test
  void a_stripped_separator_becomes_0_wherever_it_stands() throws IOException {
    TokenizerRules stripped =
        TokenizerRules.builder().setContextLength(16).optSeparatorStripped(true).build();
    try (TokenizerJson kept = TokenizerJson.open(FOLDER.resolve("bert"), RULES);
        TokenizerJson without = TokenizerJson.open(FOLDER.resolve("bert"), stripped)) {
      int[] ids = kept.encode("a dog [SEP] a cat");
      assertThat(ids).startsWith(2).endsWith(3);
      assertThat(Arrays.stream(ids).filter(id -> id == 3)).hasSize(2);
      assertThat(without.encode("a dog [SEP] a cat"))
          .isEqualTo(Arrays.stream(ids).map(id -> id == 3 ? 0 : id).toArray());
    }
  }

  @Test
  void a_token_beyond_the_models_vocabulary_is_an_error() throws IOException {
    TokenizerRules rules = TokenizerRules.builder().setContextLength(16).optVocabSize(300).build();
    try (TokenizerJson tokenizer = TokenizerJson.open(FOLDER.resolve("bert"), rules)) {
      assertThat(tokenizer.encode("a").length).isEqualTo(3);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> tokenizer.encode("photograph building"))
          .withMessageContaining("300");
    }
    TokenizerRules tiny = TokenizerRules.builder().setContextLength(16).optVocabSize(3).build();
    assertThatThrownBy(() -> TokenizerJson.open(FOLDER.resolve("bert"), tiny))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("special token 3");
  }

  @Test
  void a_context_too_short_for_the_special_tokens_is_an_error() {
    TokenizerRules rules = TokenizerRules.builder().setContextLength(2).build();
    assertThatThrownBy(() -> TokenizerJson.open(FOLDER.resolve("bert"), rules))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("context length 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TokenizerRules.builder().build())
        .withMessageContaining("context length 0", "the model's");
  }

  @Test
  void long_texts_take_bounded_time_and_keep_their_first_tokens() throws IOException {
    try (TokenizerJson tokenizer = TokenizerJson.open(FOLDER.resolve("siglip"), RULES)) {
      String text = "red heart ";
      ThreadMXBean threads = ManagementFactory.getThreadMXBean();
      long start = threads.getCurrentThreadCpuTime();
      assertThat(tokenizer.encode(text.repeat(200_000)))
          .isEqualTo(tokenizer.encode(text.repeat(40)));
      assertThat(tokenizer.encode("x".repeat(1_000_000)).length).isEqualTo(16);
      assertThat(threads.getCurrentThreadCpuTime() - start).isLessThan(2_000_000_000L);
    }
  }

  // What follows makes the native library end the process, or take very long.

  @Test
  void a_template_that_names_an_unknown_token_is_refused() throws IOException {
    JsonObject json = json("xlmr");
    json.getAsJsonObject("post_processor").add("special_tokens", new JsonObject());
    assertRefused(json, "special_tokens");
  }

  @Test
  void a_template_without_the_text_is_refused() throws IOException {
    JsonObject json = json("xlmr");
    json.getAsJsonObject("post_processor")
        .add("single", JsonParser.parseString("[{\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}]"));
    assertRefused(json, "single");
  }

  @Test
  void a_damaged_character_map_is_refused() throws IOException {
    JsonObject json = json("siglip");
    JsonObject map =
        parse("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAP////8=\"}");
    json.add("normalizer", map);
    assertRefused(json, "character map", "outside");
    map.addProperty("precompiled_charsmap", "BAAAAP///////////w==");
    assertRefused(json, "character map", "UTF-8");
    map.addProperty("precompiled_charsmap", "no base 64!");
    assertRefused(json, "character map", "base 64");
    map.addProperty("precompiled_charsmap", "AAAA");
    assertRefused(json, "character map", "cut off");
  }

  @Test
  void a_prefix_of_continued_words_in_a_bpe_is_refused() throws IOException {
    JsonObject json = json("gemma");
    json.getAsJsonObject("model").addProperty("continuing_subword_prefix", "##");
    assertRefused(json, "continuing_subword_prefix");
  }

  @Test
  void a_normalizer_that_lacks_a_field_is_refused() throws IOException {
    JsonObject json = json("gemma");
    json.add("normalizer", parse("{\"type\": \"Strip\", \"strip_left\": true}"));
    assertRefused(json, "strip_right", "library refuses", "save_pretrained");
  }

  @Test
  void prepending_nothing_is_refused() throws IOException {
    JsonObject json = json("gemma");
    json.add("normalizer", parse("{\"type\": \"Prepend\", \"prepend\": \"\"}"));
    assertRefused(json, "Prepend.prepend");
  }

  @Test
  void an_added_token_that_normalization_removes_is_refused() throws IOException {
    JsonObject json = json("gemma");
    json.add("normalizer", parse("{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}"));
    for (var token : json.getAsJsonArray("added_tokens")) {
      token.getAsJsonObject().addProperty("normalized", true);
    }
    assertRefused(json, "leaves nothing");
  }

  @Test
  void a_long_token_is_refused() throws IOException {
    JsonObject json = json("siglip");
    json.getAsJsonObject("model")
        .getAsJsonArray("vocab")
        .add(JsonParser.parseString("[\"" + "a".repeat(100_000) + "\", -1]"));
    assertRefused(json, "256 characters");
  }

  @Test
  void a_vocabulary_that_would_take_gigabytes_is_refused() throws IOException {
    JsonObject json = json("siglip");
    JsonArray vocab = json.getAsJsonObject("model").getAsJsonArray("vocab");
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) { // trees of 256 levels each
      String token =
          random
              .ints(256, 'a', 'z')
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();
      JsonArray entry = new JsonArray();
      entry.add(token);
      entry.add(-1);
      vocab.add(entry);
    }
    assertRefused(json, "different beginnings");
  }

  @Test
  void a_vocabulary_far_larger_than_the_models_is_refused() throws IOException {
    TokenizerRules rules = TokenizerRules.builder().setContextLength(16).optVocabSize(1).build();
    JsonObject json = json("bert");
    JsonObject vocab = json.getAsJsonObject("model").getAsJsonObject("vocab");
    for (int i = vocab.size(); i < 10_000; i++) {
      vocab.addProperty("token" + i, i);
    }
    Files.writeString(scratch.resolve("tokenizer.json"), json.toString());
    assertThatThrownBy(() -> TokenizerJson.open(scratch, rules))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("more than 8194 tokens");
  }

  @Test
  void patterns_that_may_backtrack_are_refused() throws IOException {
    for (String pattern : List.of("(a*)*b", "a*", "(", "[[a]&&b]", "\\\\1", "(?=a)", "a|b+")) {
      JsonObject json = json("siglip");
      json.add(
          "normalizer",
          parse(
              "{\"type\":\"Replace\",\"content\":\"\",\"pattern\":{\"Regex\":\""
                  + pattern
                  + "\"}}"));
      assertRefused(json, "Replace.pattern", "known are");
    }
  }

  @Test
  void replacements_that_let_a_text_explode_are_refused() throws IOException {
    JsonObject json = json("siglip");
    JsonArray parts = new JsonArray();
    for (int i = 0; i < 5; i++) {
      parts.add(
          parse("{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaa\"}"));
    }
    JsonObject sequence = parse("{\"type\":\"Sequence\"}");
    sequence.add("normalizers", parts);
    json.add("normalizer", sequence);
    assertRefused(json, "16 times");
  }

  @Test
  void deep_nesting_is_refused() throws IOException {
    Path file = scratch.resolve("tokenizer.json");
    Files.writeString(file, "{\"normalizer\":" + "[".repeat(1_000_000));
    assertThatThrownBy(() -> TokenizerJson.open(file, RULES))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("Nesting limit");
  }

  @Test
  void ids_that_are_there_twice_or_too_high_are_refused() throws IOException {
    JsonObject json = json("bert");
    JsonObject vocab = json.getAsJsonObject("model").getAsJsonObject("vocab");
    vocab.addProperty("newtoken", 5);
    assertRefused(json, "token id 5 twice");
    vocab.addProperty("newtoken", 1 << 24);
    assertRefused(json, "16777215");
    vocab.remove("newtoken");
    json.getAsJsonArray("added_tokens").get(0).getAsJsonObject().addProperty("id", 77);
    assertRefused(json, "has the id 77");
  }
}
