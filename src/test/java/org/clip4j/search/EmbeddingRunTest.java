package org.clip4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Writing embeddings, interrupted and not, and reading them. */
class EmbeddingRunTest {
  private static final int COUNT = 100;

  @TempDir Path temp;

  private static EmbeddingWriter writer(Path folder) throws IOException {
    return EmbeddingWriter.into(folder)
        .setDimensions(3)
        .setColumns("file", "member")
        .optFacts(Map.of("weights", "abc"))
        .optNotes(Map.of("model", "m"))
        .optRowsPerShard(16)
        .open();
  }

  private static List<String> name(int source) {
    // Tabs, quotes, line breaks and letters of other scripts: names are not ours to choose.
    return List.of("a\t\"" + source + "\"\nü.png", source % 2 == 0 ? "" : "x");
  }

  /**
   * Every seventh is damaged. A batch changes what it holds, as a real one does in the last bit.
   */
  private static EmbeddingRun<Integer> run(EmbeddingWriter writer, int stopAt) {
    return new EmbeddingRun<>(
        writer,
        source -> {
          if (source >= stopAt) {
            throw new IllegalStateException("stopped");
          }
          if (source % 7 == 3) {
            throw new IOException("image " + source + " is damaged");
          }
          return source;
        },
        batch ->
            batch.stream()
                .map(source -> new float[] {source, batch.size(), batch.get(0)})
                .toArray(float[][]::new),
        5,
        3);
  }

  private static void runAll(Path folder, int count) throws IOException {
    try (EmbeddingWriter writer = writer(folder)) {
      run(writer, Integer.MAX_VALUE).run(count, EmbeddingRunTest::name, (done, skipped) -> {});
    }
  }

  @Test
  void embeds_in_order_and_lists_what_is_damaged() throws IOException {
    List<Integer> progress = new ArrayList<>();
    try (EmbeddingWriter writer = writer(temp)) {
      EmbeddingRun.Result result =
          run(writer, Integer.MAX_VALUE)
              .run(COUNT, EmbeddingRunTest::name, (done, skipped) -> progress.add(done));
      assertThat(result.embedded()).isEqualTo(86);
      assertThat(result.skipped()).isEqualTo(14);
      assertThat(result.modelIdle()).isBetween(0.0, 1.0);
      assertThat(result.readersIdle()).isBetween(0.0, 1.0);
    }
    assertThat(progress).isSorted().endsWith(COUNT);
    try (Embeddings embeddings = Embeddings.open(temp)) {
      assertThat(embeddings.size()).isEqualTo(86);
      assertThat(embeddings.isComplete()).isTrue();
      assertThat(embeddings.columns()).containsExactly("file", "member");
      assertThat(embeddings.facts()).containsEntry("weights", "abc");
      assertThat(embeddings.notes()).containsEntry("model", "m");
      int row = 0;
      for (int source = 0; source < COUNT; source++) {
        if (source % 7 != 3) {
          assertThat(embeddings.name(row)).isEqualTo(name(source));
          assertThat(embeddings.index().vector(row)[0]).isEqualTo(source);
          row++;
        }
      }
    }
    List<String> skipped = Files.readAllLines(temp.resolve("skipped.jsonl"));
    assertThat(skipped).hasSize(14);
    assertThat(skipped.get(1))
        .contains("\"source\":10", "image 10 is damaged", "\"file\":\"a\\t\\\"10\\\"\\nü.png\"");
    assertThat(Files.readString(temp.resolve("names.tsv")))
        .startsWith("row\tfile\tmember\n0\t\"a\t\"\"0\"\"\nü.png\"\t\n1\t");
  }

  @Test
  void an_interrupted_run_gives_the_same_bytes() throws IOException {
    Path whole = temp.resolve("whole");
    runAll(whole, COUNT);
    for (int stop : new int[] {1, 20, 60, 99}) {
      Path folder = temp.resolve("stopped" + stop);
      try (EmbeddingWriter writer = writer(folder)) {
        EmbeddingRun<Integer> run = run(writer, stop);
        assertThatThrownBy(() -> run.run(COUNT, EmbeddingRunTest::name, (done, skipped) -> {}))
            .hasMessageContaining("stopped");
      }
      // What a killed process leaves of the next shard, and of the lines that belong to it.
      Files.writeString(folder.resolve(".embeddings-00009.npy.tmp"), "half");
      Files.writeString(
          folder.resolve("names.tsv"), Files.readString(folder.resolve("names.tsv")) + "77\thalf");
      Files.writeString(folder.resolve("embeddings-00005.npy"), "half");
      runAll(folder, COUNT);
      Files.delete(folder.resolve(".embeddings-00009.npy.tmp"));
      assertThat(TestVectors.files(folder)).as("stopped at " + stop).isEqualTo(files(whole));
    }
  }

  private static TreeMap<String, Long> files(Path folder) throws IOException {
    TreeMap<String, Long> files = TestVectors.files(folder);
    assertThat(files).hasSize(9); // six shards
    return files;
  }

  @Test
  void more_sources_at_the_end_are_added() throws IOException {
    runAll(temp, 40);
    Map<String, Long> before = TestVectors.files(temp);
    runAll(temp, 40); // nothing to do
    assertThat(TestVectors.files(temp)).containsExactlyEntriesOf(before);
    runAll(temp, 60);
    try (Embeddings embeddings = Embeddings.open(temp)) {
      assertThat(embeddings.size()).isEqualTo(51);
      assertThat(embeddings.name(50)).isEqualTo(name(58)); // 59 is damaged
    }
  }

  @Test
  void other_sources_and_other_facts_are_errors() throws IOException {
    runAll(temp, 40);
    try (EmbeddingWriter writer = writer(temp)) {
      EmbeddingRun<Integer> run = run(writer, Integer.MAX_VALUE);
      assertThatThrownBy(() -> run.run(39, EmbeddingRunTest::name, (done, skipped) -> {}))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("40 sources")
          .hasMessageContaining("39");
      assertThatThrownBy(() -> run.run(41, i -> name(i + 1), (done, skipped) -> {}))
          .hasMessageContaining("not those");
      assertThatThrownBy(() -> writer.add(new float[3], name(1))).hasMessageContaining("resume");
      assertThatThrownBy(() -> writer(temp)).hasMessageContaining("another process");
    }
    EmbeddingWriter.Builder other =
        EmbeddingWriter.into(temp)
            .setDimensions(4)
            .setColumns("text")
            .optFacts(Map.of("weights", "def", "of", "texts"));
    assertThatThrownBy(other::open)
        .hasMessageContaining("weights was abc and is def")
        .hasMessageContaining("of was null and is texts")
        .hasMessageContaining("dimensions were 3 and are 4")
        .hasMessageContaining("text");
    Path foreign = Files.createDirectory(temp.resolve("foreign"));
    Files.writeString(foreign.resolve("names.tsv"), "mine");
    assertThatThrownBy(() -> writer(foreign)).hasMessageContaining("names.tsv is there");
    assertThat(Files.readString(foreign.resolve("names.tsv"))).isEqualTo("mine");
  }

  @Test
  void an_error_while_one_source_is_read_is_that_sources() throws IOException {
    Path folder = temp.resolve("errors");
    try (EmbeddingWriter writer = writer(folder)) {
      EmbeddingRun.Result result =
          new EmbeddingRun<Integer>(
                  writer,
                  source -> {
                    if (source == 1) {
                      throw new OutOfMemoryError("Java heap space");
                    }
                    return source;
                  },
                  contents -> new float[contents.size()][3],
                  2,
                  2)
              .run(4, EmbeddingRunTest::name, (done, skipped) -> {});
      assertThat(result.skipped()).isEqualTo(1);
    }
    assertThat(Files.readString(folder.resolve("skipped.jsonl")))
        .contains("it cannot be read: java.lang.OutOfMemoryError: Java heap space");
  }

  @Test
  void sources_none_of_which_can_be_read_are_an_error() throws IOException {
    try (EmbeddingWriter writer = writer(temp)) {
      EmbeddingRun<Integer> run =
          new EmbeddingRun<>(
              writer,
              source -> {
                throw new IOException("gone");
              },
              batch -> new float[batch.size()][],
              4,
              1);
      assertThatThrownBy(() -> run.run(9, EmbeddingRunTest::name, (done, skipped) -> {}))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("none of the 9")
          .hasMessageContaining("gone");
    }
  }

  @Test
  void damage_is_an_error_and_never_a_wrong_answer() throws IOException {
    try (EmbeddingWriter writer =
        EmbeddingWriter.into(temp).setDimensions(2).setColumns("t").open()) {
      new EmbeddingRun<>(
              writer,
              i -> i,
              b -> b.stream().map(i -> new float[] {i, 1}).toArray(float[][]::new),
              2,
              1)
          .run(3, i -> List.of("text " + i), (done, skipped) -> {});
    }
    Files.delete(temp.resolve("skipped.jsonl")); // empty, and nobody reads it here
    TestVectors.checkDamage(
        temp,
        folder -> {
          try (Embeddings embeddings = Embeddings.open(folder)) {
            List<List<Hit>> hits = embeddings.index().search(new float[][] {{1, 0}}, 3);
            // Names belong to the answer.
            assertThat(Stream.of(0, 1, 2).map(embeddings::name))
                .containsExactly(List.of("text 0"), List.of("text 1"), List.of("text 2"));
            return hits;
          }
        });
  }
}
