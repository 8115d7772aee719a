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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.clip4j.testing.Bounds;
import org.clip4j.text.internal.repair.TextRepair;
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
  void the_beginning_of_a_long_text_gives_the_ids_of_the_whole() {
    ClipTokenizer whole = ClipTokenizer.create(1 << 20); // too many to cut a text for
    for (String unit : LONG) {
      for (String text :
          List.of(unit.repeat(5000), "a cat ".repeat(1000) + unit, (unit + "\n").repeat(800))) {
        int[] expected = whole.encode(text);
        if (expected.length > 77) {
          expected = Arrays.copyOf(expected, 77);
          expected[76] = END;
        }
        assertThat(tokenizer.encode(text)).as(unit).isEqualTo(expected);
      }
    }
  }

  @Test
  void long_texts_of_any_kind_take_linear_time() {
    for (String unit : LONG) {
      String text = unit.repeat(500_000 / unit.length());
      assertThat(Bounds.run(() -> tokenizer.encode(text))).as(unit).isNull();
    }
    StringBuilder letters = new StringBuilder();
    Random random = new Random(1);
    for (int i = 0; i < 500_000; i++) {
      letters.append((char) ('a' + random.nextInt(26)));
    }
    assertThat(Bounds.run(() -> tokenizer.encode(letters.toString()))).isNull();
  }

  /** What repair, lower case and the merges each have to look at. */
  private static final List<String> LONG =
      List.of(
          "a",
          "a photo ",
          "caf\u00e9 noir ",
          "\u00e9",
          "sch\u00c3\u00b6n ",
          "\u00c3\u00b6",
          "&amp;",
          "&amp;amp;",
          "&",
          "&#1",
          "<b>&lt;",
          "\u001b[1",
          "e\u0301\u0323",
          "\u03a3.",
          "\ud83d\ude00",
          "\u732b",
          "\uff21",
          "\ufb03",
          "\ud800",
          " \u00a0",
          "\u0001",
          "\u0085\u0081",
          "\u2019",
          "!?",
          "'",
          "\u00c3\u0192\u00c2\u00a2",
          "\u4e00\u00c3\u0083\u00c2\u0083",
          "\u0420\u00b5\u0420");
}
