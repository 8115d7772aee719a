package org.clip4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class ClipTokenizerTest {
  private static final int START = ClipTokenizer.START_TOKEN;
  private static final int END = ClipTokenizer.END_TOKEN;

  private final ClipTokenizer tokenizer = ClipTokenizer.create();

  private record Line(String text, int[] ids) {}

  private static List<Line> golden() throws IOException {
    String folder = System.getProperty("golden.dir");
    assertThat(folder).as("system property golden.dir").isNotNull();
    List<Line> lines = new ArrayList<>();
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(Path.of(folder, "tokenizer"), "*.jsonl")) {
      for (Path file : files) {
        List<Line> read = parse(Files.readAllLines(file));
        assertThat(read).as("lines of %s", file).isNotEmpty();
        lines.addAll(read);
      }
    }
    assertThat(lines).as("golden lines in %s/tokenizer/*.jsonl", folder).isNotEmpty();
    return lines;
  }

  private static List<Line> extra() throws IOException {
    try (InputStream in = ClipTokenizerTest.class.getResourceAsStream("openclip_extra.jsonl")) {
      assertThat(in).as("resource openclip_extra.jsonl").isNotNull();
      List<Line> lines =
          parse(
              new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
                  .lines()
                  .toList());
      assertThat(lines).hasSizeGreaterThan(200);
      return lines;
    }
  }

  private static List<Line> parse(List<String> json) {
    return json.stream()
        .filter(line -> !line.isBlank())
        .map(line -> new Gson().fromJson(line, Line.class))
        .toList();
  }

  @Test
  void tokens_equal_the_golden_ones() throws IOException {
    for (Line line : golden()) {
      assertThat(tokenizer.encode(line.text())).as(line.text()).isEqualTo(line.ids());
    }
  }

  @Test
  void tokens_equal_those_of_openclip_for_awkward_texts() throws IOException {
    for (Line line : extra()) {
      assertThat(tokenizer.encode(line.text())).as(line.text()).isEqualTo(line.ids());
    }
  }

  @Test
  void a_short_context_keeps_the_first_tokens_and_the_end_token() throws IOException {
    List<Line> lines = new ArrayList<>(golden());
    lines.addAll(extra());
    for (int length : new int[] {2, 3, 8}) {
      ClipTokenizer small = ClipTokenizer.create(length);
      for (Line line : lines) {
        int[] expected = Arrays.copyOf(line.ids(), Math.min(length, line.ids().length));
        expected[expected.length - 1] = END;
        assertThat(small.encode(line.text())).as(line.text()).isEqualTo(expected);
      }
    }
  }

  @Test
  void a_text_that_just_fits_is_not_cut() {
    assertThat(ClipTokenizer.create(7).encode("a photo of a cat"))
        .containsExactly(START, 320, 1125, 539, 320, 2368, END);
    assertThat(ClipTokenizer.create(6).encode("a photo of a cat"))
        .containsExactly(START, 320, 1125, 539, 320, END);
  }

  @Test
  void a_context_holds_at_least_the_start_and_end_tokens() {
    assertThat(ClipTokenizer.create().contextLength()).isEqualTo(77);
    assertThat(ClipTokenizer.create(2).encode("cat")).containsExactly(START, END);
    assertThat(ClipTokenizer.create(Integer.MAX_VALUE).encode("")).containsExactly(START, END);
    for (int length : new int[] {1, 0, -1}) {
      assertThatThrownBy(() -> ClipTokenizer.create(length))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("context length " + length);
    }
  }

  @Test
  void special_tokens_typed_by_a_user_stay_text() {
    for (String text :
        List.of(
            "<|startoftext|>",
            "<|endoftext|>",
            "a <|endoftext|> b",
            "<start_of_text>",
            "<end_of_text>",
            "a <END_OF_TEXT> b",
            "&lt;end_of_text&gt;",
            "\uff1cend_of_text\uff1e")) {
      int[] ids = tokenizer.encode(text);
      assertThat(ids[0]).isEqualTo(START);
      assertThat(ids[ids.length - 1]).isEqualTo(END);
      assertThat(Arrays.copyOfRange(ids, 1, ids.length - 1))
          .as(text)
          .hasSizeGreaterThan(2)
          .doesNotContain(START, END);
    }
  }

  @Test
  void correct_text_is_not_repaired() {
    for (String text :
        List.of(
            "naïve café, façade à la carte",
            "Ångström Øre Straße",
            "日本語 한국어 中文",
            "Ελληνικά Русский",
            "עברית العربية हिन्दी",
            "50° north, ±2 µm © 2020",
            "¿qué? ¡ñandú!")) {
      assertThat(TextRepair.clean(text)).isEqualTo(text);
    }
  }

  @Test
  void mojibake_is_undone() {
    assertThat(TextRepair.clean("schÃ¶n")).isEqualTo("schön");
    assertThat(TextRepair.clean("âœ” No problems")).isEqualTo("✔ No problems");
  }

  @Test
  void a_null_text_is_named_by_its_index() {
    assertThatThrownBy(() -> tokenizer.encode((String) null))
        .isInstanceOf(NullPointerException.class)
        .hasMessageContaining("text is null");
    assertThatThrownBy(() -> tokenizer.encode(Arrays.asList("a", null, "b")))
        .isInstanceOf(NullPointerException.class)
        .hasMessageContaining("text 1 of 3 is null");
  }

  @Test
  void a_batch_has_the_rows_of_its_texts() {
    TokenBatch batch = tokenizer.encode(List.of("a cat", "", "a dog"));
    assertThat(batch.size()).isEqualTo(3);
    assertThat(batch.maxLength()).isEqualTo(4);
    assertThat(batch.row(0)).containsExactly(START, 320, 2368, END);
    assertThat(batch.row(1)).containsExactly(START, END);
    assertThat(tokenizer.encode(List.of()).size()).isZero();
  }

  @Test
  void tokens_are_decoded_to_plain_text() {
    assertThat(tokenizer.decode(tokenizer.encode("A photo of  NAÏVE cats 😀 !")))
        .isEqualTo("a photo of naïve cats 😀 !");
    assertThat(tokenizer.decode()).isEmpty();
    assertThatThrownBy(() -> tokenizer.decode(320, 49408))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("token id 49408 at index 1");
  }

  @Test
  void threads_share_a_tokenizer() throws Exception {
    List<Line> lines = golden();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      Callable<Void> all =
          () -> {
            for (int round = 0; round < 3; round++) {
              for (Line line : lines) {
                assertThat(tokenizer.encode(line.text())).isEqualTo(line.ids());
              }
            }
            return null;
          };
      for (Future<Void> done : threads.invokeAll(List.of(all, all, all, all))) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void hostile_texts_end_in_bounded_time() {
    List<String> texts =
        List.of(
            "a".repeat(200_000),
            "&" + "amp;".repeat(50_000),
            "Ã".repeat(100_000),
            "Ã¶ ".repeat(60_000),
            "ÃƒÂ¶\u0085".repeat(30_000),
            "\u001b[".repeat(100_000),
            "e" + "\u0301\u0316".repeat(10_000),
            "Σ'".repeat(100_000),
            "\ud800".repeat(100_000));
    for (String text : texts) {
      // Each takes well under a second; time that grew with the square of the length would take
      // minutes.
      Assertions.assertTimeoutPreemptively(
          Duration.ofSeconds(40), () -> tokenizer.encode(text), text.substring(0, 4));
    }
  }
}
