package org.clip4j.text.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.testing.ChildJvm;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is let through to the native library never ends the process, however it is combined. */
class TokenizerFuzzTest {
  @TempDir Path folder;

  @Test
  void combinations_of_valid_parts_are_refused_or_work() throws Exception {
    run(0, 2_000);
  }

  @Test
  @Tag("slow")
  void a_hundred_thousand_combinations_of_valid_parts_are_refused_or_work() throws Exception {
    run(1_000_000, 100_000);
  }

  private void run(int from, int count) throws Exception {
    Process fuzz =
        ChildJvm.of(
                List.of("-Xmx512m", "-Dai.djl.offline=true"),
                TokenizerFuzz.class,
                folder.toString(),
                String.valueOf(from),
                String.valueOf(count))
            .start();
    String output = new String(fuzz.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(fuzz.waitFor())
        .as("exit code; case %s", Files.readString(folder.resolve("case")))
        .withFailMessage(() -> "case " + read("case") + ": " + output + read("tokenizer.json"))
        .isZero();
    String opened = output.strip().replaceAll("(?s).*\n", "");
    assertThat(Integer.parseInt(opened)).as("files let through").isGreaterThan(count / 2);
  }

  private String read(String name) {
    try {
      return Files.readString(folder.resolve(name));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** As they are written, and as they are normalized. */
  @ParameterizedTest
  @CsvSource({
    "'\\t', false, null",
    "'\\u200b', true, Nmt",
    "' x', true, NFC",
    "'\\u3000', false, Nmt"
  })
  void a_token_that_begins_with_space_beside_one_that_strips_it_is_refused(
      String content, boolean normalized, String normalizer) throws IOException {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version": "1.0", "padding": {"pad_token": "[UNK]"}, "normalizer": NORMALIZER,
         "added_tokens": [
          {"id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": true,
           "normalized": FLAG, "special": true},
          {"id": 1, "content": "CONTENT", "single_word": false, "lstrip": false, "rstrip": false,
           "normalized": FLAG, "special": true}],
         "model": {"type": "Unigram", "unk_id": 0, "vocab": [["[UNK]", 0]]}}
        """
            .replace("CONTENT", content)
            .replace("FLAG", String.valueOf(normalized))
            .replace(
                "NORMALIZER",
                normalizer.equals("null") ? normalizer : "{\"type\": \"" + normalizer + "\"}"));
    TokenizerRules rules = TokenizerRules.builder().setContextLength(77).build();

    assertThatThrownBy(() -> TokenizerJson.open(folder, rules).close())
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageContainingAll("added token 1", "begins with white space", "rstrip");
  }
}
