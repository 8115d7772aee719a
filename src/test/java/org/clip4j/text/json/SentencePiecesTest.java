package org.clip4j.text.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.clip4j.text.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders that have a model of SentencePiece and no tokenizer.json. */
class SentencePiecesTest {
  private static final Path MODELS = Path.of("src/test/resources/tokenizers");

  @TempDir Path scratch;

  private static Tokenizer open(Path folder, String language) throws IOException {
    TokenizerRules rules =
        TokenizerRules.builder().setContextLength(256).optLanguage(language).build();
    return TokenizerJson.openWithoutFile(folder, rules, false).orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(strings = {"spm-xlmr", "spm-mt5", "spm-nllb"})
  void texts_of_many_scripts_have_the_tokens_that_transformers_gives_them(String name)
      throws IOException {
    Path folder = MODELS.resolve(name);
    boolean language = name.equals("spm-nllb");
    JsonArray rows =
        JsonParser.parseString(Files.readString(folder.resolve("ids.json"))).getAsJsonArray();
    assertThat(rows).hasSizeGreaterThan(300);
    try (Tokenizer tokenizer = open(folder, null)) {
      for (JsonElement row : rows) {
        String text = row.getAsJsonArray().get(0).getAsString();
        int[] expected =
            row.getAsJsonArray().get(1).getAsJsonArray().asList().stream()
                .mapToInt(JsonElement::getAsInt)
                .toArray();
        int[] found = tokenizer.encode(text);
        assertThat(language ? Arrays.copyOfRange(found, 1, found.length) : found)
            .as(text)
            .isEqualTo(expected);
      }
    }
  }

  /** The model has 620 pieces, of which 3 are replaced by 4; the languages come after them. */
  @Test
  void texts_of_nllb_begin_with_the_token_of_their_language() throws IOException {
    Path folder = MODELS.resolve("spm-nllb");
    int first = 620 - 3 + 4;
    try (Tokenizer english = open(folder, null);
        Tokenizer german = open(folder, "deu_Latn")) {
      assertThat(english.encode("a")[0]).isEqualTo(first + NllbLanguages.ALL.indexOf("eng_Latn"));
      assertThat(german.encode("a")[0]).isEqualTo(first + NllbLanguages.ALL.indexOf("deu_Latn"));
      assertThat(NllbLanguages.ALL).hasSize(202).startsWith("ace_Arab").endsWith("zul_Latn");
      assertThat(english.padId()).isEqualTo(1);
    }
    assertThatThrownBy(() -> open(folder, "deutsch"))
        .hasMessageContaining("the language is 'deutsch', which the vocabulary does not have");
    assertThatThrownBy(() -> open(MODELS.resolve("spm-mt5"), "deu_Latn"))
        .hasMessageContaining("has no tokens for languages");
  }

  @Test
  void the_name_of_the_file_tells_its_kind_where_nothing_else_does() throws IOException {
    Path file = MODELS.resolve("spm-xlmr/sentencepiece.bpe.model");
    Files.copy(file, scratch.resolve("sentencepiece.bpe.model"));
    try (Tokenizer tokenizer = open(scratch, null);
        Tokenizer same = open(MODELS.resolve("spm-xlmr"), null)) {
      assertThat(tokenizer.encode("a cat"))
          .isEqualTo(same.encode("a cat"))
          .startsWith(0)
          .endsWith(2);
      assertThat(tokenizer.files()).containsExactly(scratch.resolve("sentencepiece.bpe.model"));
    }
  }

  @Test
  void a_model_of_another_kind_than_the_class_says_is_refused() throws IOException {
    Files.copy(MODELS.resolve("spm-nllb/sentencepiece.bpe.model"), scratch.resolve("spiece.model"));
    assertThatThrownBy(() -> open(scratch, null))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContaining("its model_type is 2")
        .hasMessageContaining("tokenizer.json");
  }

  @Test
  void damaged_models_are_refused_and_never_end_the_process() throws IOException {
    byte[] whole = Files.readAllBytes(MODELS.resolve("spm-mt5/spiece.model"));
    Path file = scratch.resolve("spiece.model");
    Random random = new Random(7);
    int refused = 0;
    for (int i = 0; i < 60; i++) {
      byte[] damaged = whole.clone();
      int pieces = 9000; // the rest is the character map, which is checked by itself
      for (int n = 0; n < 3; n++) {
        damaged[random.nextInt(pieces)] = (byte) random.nextInt();
      }
      Files.write(
          file, i % 3 == 0 ? Arrays.copyOf(damaged, random.nextInt(whole.length)) : damaged);
      try (Tokenizer tokenizer = open(scratch, null)) {
        tokenizer.encode("a photo");
      } catch (TokenizerFormatException e) {
        refused++;
        assertThat(e).hasMessageContaining("spiece.model");
      }
    }
    assertThat(refused).isGreaterThan(20);
    Files.write(file, new byte[0]);
    assertThatThrownBy(() -> open(scratch, null)).hasMessageContaining("no pieces");
  }

  @Test
  void a_piece_that_could_be_divided_in_too_many_ways_is_refused() throws IOException {
    byte[] piece = new byte[300];
    Arrays.fill(piece, (byte) 'a');
    ByteBuffer model = ByteBuffer.allocate(400);
    model.put(new byte[] {0x0a, (byte) 0xaf, 0x02, 0x0a, (byte) 0xac, 0x02}).put(piece);
    Files.write(scratch.resolve("spiece.model"), Arrays.copyOf(model.array(), model.position()));
    assertThatThrownBy(() -> open(scratch, null))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContainingAll("spiece.model", "more than 256 characters");
  }
}
