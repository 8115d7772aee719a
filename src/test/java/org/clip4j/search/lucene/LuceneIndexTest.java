package org.clip4j.search.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.search.TestVectors.nearest;
import static org.clip4j.search.TestVectors.uniform;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.lucene.util.VectorUtil;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LuceneIndexTest {
  static final float[][] VECTORS = uniform(3000, 16, 1);

  @TempDir Path temp;

  static LuceneIndex create(Path folder, int dimensions) throws IOException {
    return LuceneIndex.builder(folder).optDimensions(dimensions).create();
  }

  static List<IndexEntry> entries(float[][] vectors, int from, int to) {
    return IntStream.range(from, to)
        .mapToObj(i -> new IndexEntry("e" + i, vectors[i], Map.of("third", i % 3)))
        .toList();
  }

  static List<String> ids(List<Match> matches) {
    return matches.stream().map(Match::id).toList();
  }

  @Test
  void entries_are_added_updated_and_removed_and_searches_see_it_at_once() throws IOException {
    try (LuceneIndex index = create(temp, 16)) {
      index.addAll(entries(VECTORS, 0, 500));
      assertThat(index.size()).isEqualTo(500);
      index.update(new IndexEntry("e7", VECTORS[1000], Map.of("third", 5)));
      assertThat(ids(index.search(VECTORS[1000], 1))).containsExactly("e7");
      assertThat(index.get("e7").orElseThrow().vector()).isEqualTo(VECTORS[1000]);
      assertThat(index.get("e7").orElseThrow().fields()).isEqualTo(Map.of("third", 5.0));
      assertThat(ids(index.search(VECTORS[7], 500))).hasSize(500).startsWith("e" + second(7, 500));
      assertThat(index.remove(List.of("e7", "e8", "none"))).isEqualTo(2);
      assertThat(index.contains("e7")).isFalse();
      assertThat(index.size()).isEqualTo(498);
      index.add(new IndexEntry("e7", VECTORS[7]));
      index.putAll(entries(VECTORS, 490, 510));
      assertThat(index.size()).isEqualTo(509);
      index.commit();
    }
    try (LuceneIndex index = LuceneIndex.open(temp)) {
      assertThat(index.size()).isEqualTo(509);
      assertThat(ids(index.search(VECTORS[7], 1))).containsExactly("e7");
      assertThat(index.get("e8")).isEmpty();
      assertThat(index.dimensions()).isEqualTo(16);
      assertThat(index.fields()).isEqualTo(Map.of("third", "a number"));
    }
  }

  private static int second(int row, int rows) {
    return nearest(Arrays.copyOf(VECTORS, rows), VECTORS[row], 2).get(1);
  }

  /** What an index should hold, as plainly as possible. */
  @Test
  void any_sequence_of_changes_leaves_what_a_map_would_hold() throws IOException {
    Random random = new Random(7);
    float[][] few = uniform(6, 4, 8); // so that most entries share their vector
    Map<String, float[]> expected = new HashMap<>();
    LuceneIndex index = create(temp, 4);
    try {
      for (int step = 0; step < 1000; step++) {
        String id = "e" + random.nextInt(30);
        IndexEntry entry = new IndexEntry(id, few[random.nextInt(few.length)]);
        switch (random.nextInt(6)) {
          case 0, 1 -> {
            index.putAll(List.of(entry));
            expected.put(id, entry.vector());
          }
          case 2 -> {
            if (expected.putIfAbsent(id, entry.vector()) == null) {
              index.add(entry);
            }
          }
          case 3, 4 -> {
            assertThat(index.remove(List.of(id))).isEqualTo(expected.remove(id) != null ? 1 : 0);
          }
          default -> {
            if (random.nextInt(5) == 0) {
              index.close();
              index = LuceneIndex.open(temp);
            }
          }
        }
        if (step % 10 == 0) {
          assertHolds(index, expected, few[random.nextInt(few.length)]);
        }
      }
      assertHolds(index, expected, few[0]);
    } finally {
      index.close();
    }
  }

  private static void assertHolds(LuceneIndex index, Map<String, float[]> expected, float[] query)
      throws IOException {
    assertThat(index.size()).isEqualTo(expected.size());
    List<Match> found = index.search(query, 1000);
    assertThat(ids(found)).containsExactlyInAnyOrderElementsOf(expected.keySet());
    for (Match match : found) {
      assertThat(match.score())
          .isCloseTo(VectorUtil.dotProduct(query, expected.get(match.id())), within(1e-6f));
      assertThat(index.get(match.id()).orElseThrow().vector()).isEqualTo(expected.get(match.id()));
    }
  }

  @Test
  void threads_change_an_index_and_search_it_at_once() throws Exception {
    float[][] few = uniform(20, 8, 9);
    Map<String, float[]> expected = new ConcurrentHashMap<>();
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try (LuceneIndex index = create(temp, 8)) {
      index.add(new IndexEntry("always", few[0]));
      expected.put("always", few[0]);
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int thread = t;
        tasks.add(
            threads.submit(
                () -> {
                  Random random = new Random(thread);
                  for (int i = 0; i < 400; i++) { // each thread has ids of its own
                    String id = thread + "-" + random.nextInt(40);
                    float[] vector = few[random.nextInt(few.length)];
                    if (random.nextInt(3) == 0) {
                      index.remove(List.of(id));
                      expected.remove(id);
                    } else {
                      index.putAll(List.of(new IndexEntry(id, vector)));
                      expected.put(id, vector);
                    }
                    if (i % 100 == 0) {
                      index.commit();
                    }
                  }
                  return null;
                }));
      }
      for (int t = 0; t < 2; t++) {
        tasks.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 200; i++) {
                    assertThat(ids(index.search(few[0], 1000))).contains("always");
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      assertHolds(index, expected, few[3]);
    } finally {
      threads.shutdown();
    }
    try (LuceneIndex index = LuceneIndex.open(temp)) {
      assertHolds(index, expected, few[4]);
    }
  }

  @Test
  void a_reader_of_its_own_sees_what_was_committed_when_it_refreshes() throws IOException {
    try (LuceneIndex index = create(temp, 16)) {
      index.addAll(entries(VECTORS, 0, 10));
      index.commit();
      try (LuceneIndex reader = LuceneIndex.builder(temp).openReadOnly()) {
        index.addAll(entries(VECTORS, 10, 20));
        reader.refresh();
        assertThat(reader.size()).isEqualTo(10);
        index.commit();
        assertThat(reader.size()).isEqualTo(10);
        reader.refresh();
        assertThat(reader.size()).isEqualTo(20);
        assertThat(ids(reader.search(VECTORS[15], 1))).containsExactly("e15");
        assertThatThrownBy(() -> reader.remove(List.of("e1")))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("read only");
      }
      assertThatThrownBy(() -> LuceneIndex.open(temp))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(temp.toString())
          .hasMessageContaining("being written by another index");
    }
  }

  @Test
  void vectors_of_4096_values_are_kept_and_reopened() throws IOException {
    float[][] large = uniform(1010, 4096, 10);
    try (LuceneIndex index = create(temp, 4096)) {
      index.addAll(entries(large, 0, 1010));
    }
    try (LuceneIndex index = LuceneIndex.open(temp)) {
      for (int i = 0; i < 1010; i += 100) {
        assertThat(ids(index.search(large[i], 1))).containsExactly("e" + i);
        assertThat(index.get("e" + i).orElseThrow().vector()).isEqualTo(large[i]);
      }
    }
    assertThatThrownBy(() -> LuceneIndex.builder(temp).optDimensions(4097))
        .hasMessageContaining("1 to 4096")
        .hasMessageContaining("4097");
  }

  @Test
  void what_does_not_fit_is_refused_and_nothing_of_it_is_added() throws IOException {
    LuceneIndex index = create(temp, 3);
    float[] vector = {1, 0, 0};
    index.add(new IndexEntry("a", vector, Map.of("kind", "x", "year", 2020)));
    refused(
        index,
        "there is an entry \"a\" already",
        new IndexEntry("new", vector),
        new IndexEntry("a", vector));
    refused(
        index,
        "\"new\" is there twice",
        new IndexEntry("new", vector),
        new IndexEntry("new", vector));
    refused(
        index,
        "\"kind\" holds a string in this index, not 5",
        new IndexEntry("new", vector, Map.of("kind", 5)));
    refused(
        index,
        "\"year\" holds a number in this index, not 2020-",
        new IndexEntry("new", vector, Map.of("year", Instant.parse("2020-01-01T00:00:00Z"))));
    refused(
        index,
        "strings, numbers and instants",
        new IndexEntry("new", vector, Map.of("other", true)));
    refused(index, "beyond 2^53", new IndexEntry("new", vector, Map.of("year", Long.MAX_VALUE)));
    refused(index, "NaN", new IndexEntry("new", vector, Map.of("year", Double.NaN)));
    refused(
        index, "40000 bytes", new IndexEntry("new", vector, Map.of("kind", "x".repeat(40_000))));
    refused(
        index, "the bytes of an id in UTF-8 must be from 1 to 32766", new IndexEntry("", vector));
    refused(index, "\"new\": the vector has 2 values", new IndexEntry("new", new float[2]));
    refused(index, "NaN at position 1", new IndexEntry("new", new float[] {1, Float.NaN, 0}));
    refused(index, "has the length 5.0", new IndexEntry("new", new float[] {3, 4, 0}));
    assertThatThrownBy(() -> index.update(new IndexEntry("none", vector)))
        .hasMessageContaining("there is no entry \"none\"");
    assertThatThrownBy(() -> find(index, Filter.equal("color", "red")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no entry has the field \"color\"; there are [kind, year]");
    assertThatThrownBy(() -> find(index, Filter.equal("year", "red")))
        .hasMessageContaining("\"year\" holds a number in this index, not red (String)");
    assertThatThrownBy(() -> find(index, Filter.range("kind", 1, 2)))
        .hasMessageContaining("holds a string");
    assertThatThrownBy(() -> index.search(new float[4], 1)).hasMessageContaining("the query has 4");
    assertThatThrownBy(() -> index.search(new float[3], 1)).hasMessageContaining("length 0");
    assertThatThrownBy(() -> SearchQuery.of(vector).optTopK(0)).hasMessageContaining("found 0");
    index.close();
    index.close();
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(
            () -> index.search(vector, 1),
            () -> index.add(new IndexEntry("b", vector)),
            () -> index.remove(List.of("a")),
            index::size,
            index::commit,
            index::verify,
            index::refresh)) {
      assertThatThrownBy(call)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the index is closed");
    }
  }

  private static List<Match> find(LuceneIndex index, Filter filter) throws IOException {
    return index.search(SearchQuery.of(new float[] {1, 0, 0}).optWhere(filter));
  }

  private static void refused(LuceneIndex index, String message, IndexEntry... entries)
      throws IOException {
    assertThatThrownBy(() -> index.addAll(List.of(entries)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThat(index.size()).isEqualTo(1);
  }

  @Test
  void another_model_is_refused_with_the_way_out() throws IOException {
    ModelIdentity model = new ModelIdentity("org/clip", "abc", "crc32c 01", 3, "fp32", "224 x 224");
    try (LuceneIndex index = LuceneIndex.builder(temp).optModel(model).create()) {
      index.add(new IndexEntry("a", new float[] {1, 0, 0}));
    }
    List<ModelIdentity> others =
        List.of(
            new ModelIdentity("org/clip", "abc", "crc32c 02", 3, "fp32", "224 x 224"),
            new ModelIdentity("org/clip", "abc", "crc32c 01", 4, "fp32", "224 x 224"),
            new ModelIdentity("org/clip", "abc", "crc32c 01", 3, "bf16", "224 x 224"),
            new ModelIdentity("org/clip", "abc", "crc32c 01", 3, "fp32", "336 x 336"));
    for (ModelIdentity other : others) {
      assertThatThrownBy(() -> LuceneIndex.builder(temp).optModel(other).open())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(temp.toString())
          .hasMessageContaining("org/clip at abc")
          .hasMessageContaining(model.differences(other).get(0))
          .hasMessageContaining("make the index anew");
    }
    ModelIdentity same = new ModelIdentity("moved/clip", "", "crc32c 01", 3, "fp32", "224 x 224");
    try (LuceneIndex index = LuceneIndex.builder(temp).optModel(same).openReadOnly()) {
      assertThat(index.model()).contains(model);
    }
  }

  @Test
  void threads_end_with_the_index() throws Exception {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    try (LuceneIndex index = LuceneIndex.builder(temp).optDimensions(16).optThreads(3).create()) {
      for (int i = 0; i < 3000; i += 100) {
        index.addAll(entries(VECTORS, i, i + 100));
        index.search(VECTORS[0], 1);
      }
    }
    Set<Thread> after = new HashSet<>(Thread.getAllStackTraces().keySet());
    after.removeAll(before);
    after.removeIf(thread -> !thread.getName().matches("(?i).*(lucene|clip4j-index).*"));
    assertThat(after).isEmpty();
  }
}
