package org.clip4j.search.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.clip4j.search.TestVectors.uniform;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.clip4j.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of an index whose process is killed or whose files are damaged. */
class LuceneIndexDamageTest {
  private static final int BATCH = 20;
  private static final float[][] VECTORS = uniform(50, 8, 1);

  @TempDir Path temp;

  /** Writes batches until it is killed, and says after each commit which it was. */
  static final class Victim {
    private Victim() {}

    public static void main(String[] args) throws IOException {
      Path folder = Path.of(args[0]);
      try (LuceneIndex index =
          LuceneIndex.isIn(folder)
              ? LuceneIndex.open(folder)
              : LuceneIndex.builder(folder).optDimensions(8).create()) {
        for (int batch = index.size() / BATCH; ; batch++) {
          index.addAll(batch(batch));
          if (batch > 0) { // whose vectors others share, so that they are handed on
            index.putAll(List.of(moved(batch)));
          }
          index.commit();
          System.out.println(batch);
        }
      }
    }
  }

  private static List<IndexEntry> batch(int batch) {
    return IntStream.range(0, BATCH)
        .mapToObj(i -> new IndexEntry(batch + "-" + i, VECTORS[(batch + i) % VECTORS.length]))
        .toList();
  }

  /** The first entry of the batch before, with another vector. */
  private static IndexEntry moved(int batch) {
    return new IndexEntry(batch - 1 + "-0", VECTORS[batch * 7 % VECTORS.length]);
  }

  @Test
  void a_process_killed_amid_writing_leaves_what_it_committed() throws Exception {
    Random random = new Random(2);
    for (int kill = 0; kill < 6; kill++) {
      Path said = Files.createTempFile("victim", ".txt");
      Process victim =
          ChildJvm.of(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1"), Victim.class, temp.toString())
              .redirectErrorStream(false) // newer JDKs warn there of what Lucene uses
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .redirectOutput(said.toFile())
              .start();
      int more = 1 + random.nextInt(30);
      while (Files.readAllLines(said).size() < more && victim.isAlive()) {
        Thread.sleep(1);
      }
      Thread.sleep(random.nextInt(20));
      victim.destroyForcibly().waitFor();
      List<String> lines = Files.readAllLines(said);
      assertThat(lines).hasSizeGreaterThanOrEqualTo(more).allMatch(line -> line.matches("[0-9]+"));
      int seen = Integer.parseInt(lines.get(lines.size() - 1));
      Files.delete(said);
      try (LuceneIndex index = LuceneIndex.open(temp)) {
        index.verify();
        int batches = index.size() / BATCH;
        assertThat(batches).isBetween(seen + 1, seen + 2); // the last may not have been said
        Map<String, float[]> expected = new HashMap<>();
        for (int b = 0; b < batches; b++) {
          batch(b).forEach(entry -> expected.put(entry.id(), entry.vector()));
          if (b > 0) {
            expected.put(moved(b).id(), moved(b).vector());
          }
        }
        List<Match> all = index.search(VECTORS[0], expected.size() + 1);
        assertThat(all).hasSize(expected.size());
        for (Match match : all) {
          assertThat(index.get(match.id()).orElseThrow().vector())
              .isEqualTo(expected.get(match.id()));
        }
      }
    }
  }

  private static List<Match> answers(Path folder) throws IOException {
    List<Match> answers = new ArrayList<>();
    try (LuceneIndex index = LuceneIndex.builder(folder).openReadOnly()) {
      answers.addAll(index.search(VECTORS[0], 4));
      answers.addAll(
          index.search(SearchQuery.of(VECTORS[1]).optWhere(Filter.range("year", 2001, null))));
      answers.add(new Match("size " + index.size(), 0, Map.of(), 0, List.of()));
    }
    return answers;
  }

  @Test
  void damage_is_an_error_at_opening_and_never_a_wrong_answer() throws IOException {
    try (LuceneIndex index = LuceneIndex.builder(temp).optDimensions(8).create()) {
      for (int i = 0; i < 6; i++) {
        index.add(new IndexEntry("e" + i, VECTORS[i / 2], Map.of("year", 2000 + i, "name", "n")));
      }
      index.remove(List.of("e5"));
    }
    List<Match> expected = answers(temp);
    assertThat(expected).hasSize(4 + 4 + 1);
    int refused = 0;
    for (Path file : files()) {
      byte[] whole = Files.readAllBytes(file);
      for (int i = file.getFileName().hashCode() & 3; i <= whole.length + 1; i += 4) {
        byte[] damaged = whole.clone();
        if (i < whole.length) {
          damaged[i] ^= (byte) (1 << i % 8);
        } else {
          damaged = Arrays.copyOf(whole, i == whole.length ? i / 2 : i);
        }
        Files.write(file, damaged);
        assertThatThrownBy(() -> answers(temp))
            .as(file + " byte " + i)
            .isInstanceOf(IOException.class)
            .hasMessageContaining(temp.toString());
        refused++;
      }
      Files.delete(file);
      assertThatThrownBy(() -> answers(temp))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(temp.toString())
          .hasMessageContaining(
              file.getFileName().toString().replaceAll("segments_.*", "segments_"));
      Files.write(file, whole);
    }
    assertThat(refused).isGreaterThan(300);
    assertThat(answers(temp)).isEqualTo(expected);
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(temp)) {
      return files.filter(file -> !file.endsWith("write.lock")).sorted().toList();
    }
  }

  @Test
  void verify_finds_what_was_damaged_since() throws IOException {
    try (LuceneIndex index = LuceneIndex.builder(temp).optDimensions(8).create()) {
      index.add(new IndexEntry("a", VECTORS[0]));
      index.commit();
      index.verify();
      Path file = files().get(1);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.write(java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3}), Files.size(file) / 2);
      }
      assertThatThrownBy(index::verify)
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString())
          .hasMessageContaining("is damaged");
    }
  }

  @Test
  void a_file_cut_under_a_reader_is_an_error_at_once() throws IOException {
    float[][] vectors = uniform(4000, 64, 3);
    try (LuceneIndex index = LuceneIndex.builder(temp).optDimensions(64).create()) {
      index.addAll(
          IntStream.range(0, 4000).mapToObj(i -> new IndexEntry("e" + i, vectors[i])).toList());
    }
    for (boolean readOnly : new boolean[] {true, false}) {
      LuceneIndexBuilder builder = LuceneIndex.builder(temp).optCheck(readOnly);
      Path largest = largest();
      byte[] whole = Files.readAllBytes(largest);
      try (LuceneIndex index = readOnly ? builder.openReadOnly() : builder.open()) {
        assertThat(index.search(vectors[5], 1).get(0).id()).isEqualTo("e5");
        try (FileChannel channel = FileChannel.open(largest, StandardOpenOption.WRITE)) {
          channel.truncate(4096);
        }
        for (SearchQuery query :
            List.of(SearchQuery.of(vectors[5]), SearchQuery.of(vectors[5]).optExact(true))) {
          assertThatThrownBy(() -> index.search(query))
              .isInstanceOf(IOException.class)
              .hasMessageContaining(largest.toString())
              .hasMessageContaining("was cut from");
        }
        assertThatThrownBy(() -> index.get("e5")).isInstanceOf(IOException.class);
      }
      Files.write(largest, whole);
    }
  }

  private Path largest() throws IOException {
    return files().stream()
        .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
        .orElseThrow();
  }

  @Test
  void folders_that_hold_no_index_are_told_apart() throws IOException {
    assertThatThrownBy(() -> LuceneIndex.open(temp.resolve("none")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none is no folder");
    assertThatThrownBy(() -> LuceneIndex.open(temp))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(temp + " holds no index")
        .hasMessageContaining("create()");
    Files.writeString(temp.resolve("index.json"), "{\"format\": \"clip4j approximate index\"}");
    for (var call :
        List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
            () -> LuceneIndex.open(temp),
            () -> LuceneIndex.builder(temp).optDimensions(3).create())) {
      assertThatThrownBy(call)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("an index of an earlier version")
          .hasMessageContaining("examples/run Search --embeddings");
    }
    Files.delete(temp.resolve("index.json"));
    LuceneIndex.builder(temp).optDimensions(3).create().close();
    assertThatThrownBy(() -> LuceneIndex.builder(temp).optDimensions(3).create())
        .hasMessageContaining("holds an index already");
    assertThatThrownBy(() -> LuceneIndex.builder(temp).optDimensions(4).open())
        .hasMessageContaining("vectors of 3 values, not of 4");
    Files.delete(temp.resolve("write.lock"));
    try (var writer =
        new org.apache.lucene.index.IndexWriter(
            new org.apache.lucene.store.MMapDirectory(temp.resolve("foreign")),
            new org.apache.lucene.index.IndexWriterConfig())) {
      writer.commit();
    }
    assertThatThrownBy(() -> LuceneIndex.open(temp.resolve("foreign")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("this library did not make");
  }
}
