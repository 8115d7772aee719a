package org.clip4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LuceneIndexTest {
  private static final float[][] VECTORS = uniform(3000, 16, 1);
  private static final float[][] QUERIES = uniform(50, 16, 2);

  @TempDir Path temp;

  private LuceneIndex create(int dimensions) throws IOException {
    return LuceneIndex.builder(temp).optDimensions(dimensions).create();
  }

  private static List<IndexEntry> entries(float[][] vectors, int from, int to) {
    return IntStream.range(from, to)
        .mapToObj(i -> new IndexEntry("e" + i, vectors[i], Map.of("third", i % 3)))
        .toList();
  }

  private static List<String> ids(List<Match> matches) {
    return matches.stream().map(Match::id).toList();
  }

  private static List<String> names(List<Integer> rows) {
    return rows.stream().map(row -> "e" + row).toList();
  }

  private static double recall(LuceneIndex index, float[][] vectors) throws IOException {
    int found = 0;
    for (float[] query : QUERIES) {
      Set<String> ids = new HashSet<>(ids(index.search(query, 10)));
      found += (int) names(nearest(vectors, query, 10)).stream().filter(ids::contains).count();
    }
    return found / (10.0 * QUERIES.length);
  }

  @Test
  void the_graph_finds_nearly_all_and_an_exact_search_all() throws IOException {
    for (boolean int8 : new boolean[] {false, true}) {
      Path folder = temp.resolve("int8-" + int8);
      try (LuceneIndex index =
          LuceneIndex.builder(folder).optDimensions(16).optInt8(int8).create()) {
        index.addAll(entries(VECTORS, 0, 3000));
        assertThat(recall(index, VECTORS)).isGreaterThan(0.97);
        index.compact();
        assertThat(recall(index, VECTORS)).isGreaterThan(0.97);
        for (float[] query : QUERIES) {
          List<Match> exact = index.search(SearchQuery.of(query).optExact(true));
          assertThat(ids(exact)).isEqualTo(names(nearest(VECTORS, query, 10)));
          Match best = index.search(query, 1).get(0);
          int row = Integer.parseInt(best.id().substring(1));
          // The exact vectors score, also where bytes were searched.
          assertThat(best.score())
              .isCloseTo(InnerProducts.of(query, VECTORS[row], 0), within(1e-6f));
        }
        assertThat(index.isInt8()).isEqualTo(int8);
      }
    }
  }

  private static org.assertj.core.data.Offset<Float> within(float by) {
    return org.assertj.core.data.Offset.offset(by);
  }

  @Test
  void entries_are_added_updated_and_removed_and_searches_see_it_at_once() throws IOException {
    try (LuceneIndex index = create(16)) {
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

  @Test
  void filters_by_strings_numbers_and_times_are_those_of_a_plain_loop() throws IOException {
    Instant start = Instant.parse("2024-02-29T12:00:00.000001Z");
    List<IndexEntry> entries = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      Map<String, Object> fields = new HashMap<>();
      fields.put("name", "n" + i % 10);
      fields.put("size", i % 7 - 0.5);
      fields.put("at", start.plusSeconds(i));
      fields.put("tags", List.of("t" + i % 2, "u" + i % 3));
      if (i % 5 == 0) {
        fields.put("rare", -0.0);
      }
      // Some are copies of others, so that filters must tell entries of one vector apart.
      entries.add(new IndexEntry("e" + i, VECTORS[i % 200], fields));
    }
    Map<Filter, java.util.function.IntPredicate> cases = new HashMap<>();
    cases.put(Filter.equal("name", "n3"), i -> i % 10 == 3);
    cases.put(Filter.anyOf("name", "n3", "n4", "none"), i -> i % 10 == 3 || i % 10 == 4);
    cases.put(Filter.range("name", "n3", "n5"), i -> i % 10 >= 3 && i % 10 <= 5);
    cases.put(Filter.equal("size", 1.5), i -> i % 7 == 2);
    cases.put(Filter.anyOf("size", 1.5, 2.5f), i -> i % 7 == 2 || i % 7 == 3);
    cases.put(Filter.range("size", 2, null), i -> i % 7 >= 3);
    cases.put(Filter.range("size", null, 1.5), i -> i % 7 <= 2);
    cases.put(Filter.equal("at", start.plusSeconds(9)), i -> i == 9);
    cases.put(Filter.range("at", start.plusSeconds(290), null), i -> i >= 290);
    cases.put(Filter.range("at", start.plusSeconds(290).plusNanos(1000), null), i -> i > 290);
    cases.put(Filter.equal("tags", "u1"), i -> i % 3 == 1);
    cases.put(Filter.equal("rare", 0), i -> i % 5 == 0);
    cases.put(Filter.not(Filter.range("rare", null, null)), i -> i % 5 != 0);
    cases.put(
        Filter.all(Filter.equal("tags", "t1"), Filter.not(Filter.equal("name", "n3"))),
        i -> i % 2 == 1 && i % 10 != 3);
    cases.put(
        Filter.any(Filter.equal("name", "n3"), Filter.equal("tags", "u0")),
        i -> i % 10 == 3 || i % 3 == 0);
    cases.put(Filter.all(), i -> true);
    cases.put(Filter.any(), i -> false);
    cases.put(Filter.anyOf("name"), i -> false);
    try (LuceneIndex index = create(16)) {
      index.addAll(entries);
      for (var each : cases.entrySet()) {
        for (boolean exact : new boolean[] {false, true}) {
          List<Match> found =
              index.search(
                  SearchQuery.of(QUERIES[0]).optTopK(300).optExact(exact).optWhere(each.getKey()));
          assertThat(ids(found))
              .as("%s", each.getKey())
              .containsExactlyInAnyOrderElementsOf(
                  IntStream.range(0, 300).filter(each.getValue()).mapToObj(i -> "e" + i).toList());
          assertThat(found).isSortedAccordingTo((a, b) -> Float.compare(b.score(), a.score()));
        }
      }
      Match last = index.search(SearchQuery.of(VECTORS[199]).optTopK(1)).get(0);
      assertThat(last.fields())
          .isEqualTo(
              Map.of(
                  "name",
                  "n9",
                  "size",
                  2.5,
                  "at",
                  start.plusSeconds(199),
                  "tags",
                  List.of("t1", "u1")));
    }
  }

  @Test
  void many_copies_of_one_vector_hide_nothing() throws IOException {
    int dimensions = 16;
    for (int groups : new int[] {1, 50}) {
      Path folder = temp.resolve("groups-" + groups);
      float[][] copied = uniform(groups, dimensions, 5);
      List<IndexEntry> entries = new ArrayList<>(entries(VECTORS, 0, 2000));
      for (int i = 0; i < 3000; i++) {
        entries.add(new IndexEntry("copy" + i, copied[i % groups], Map.of("third", i % 3)));
      }
      java.util.Collections.shuffle(entries, new Random(6));
      try (LuceneIndex index = LuceneIndex.builder(folder).optDimensions(dimensions).create();
          ExactIndex exact = ExactIndex.create(dimensions)) {
        index.addAll(entries);
        exact.add(entries.stream().map(IndexEntry::vector).toArray(float[][]::new));
        int found = 0;
        for (float[] query : QUERIES) {
          float tenth = exact.search(query, 10).get(9).score() - 1e-6f;
          List<Match> matches = index.search(query, 10);
          assertThat(matches).hasSize(10);
          found += (int) matches.stream().filter(match -> match.score() >= tenth).count();
        }
        assertThat(found / 500.0).isGreaterThan(0.97);
        List<Match> same =
            index.search(
                SearchQuery.of(copied[0]).optTopK(10000).optWhere(Filter.equal("third", 1)));
        assertThat(same.stream().filter(match -> match.id().startsWith("copy")).count())
            .isEqualTo(IntStream.range(0, 3000).filter(i -> i % 3 == 1).count());
        // Whoever keeps the vector may go: the others are found without it.
        List<String> gone = IntStream.range(0, 2990).mapToObj(i -> "copy" + i).toList();
        assertThat(index.remove(gone)).isEqualTo(2990);
        for (int i = 2990; i < 3000; i++) {
          assertThat(ids(index.search(copied[i % groups], 10))).contains("copy" + i);
        }
        assertThat(index.remove(List.of("copy2999"))).isEqualTo(1);
        assertThat(index.size()).isEqualTo(2009);
      }
    }
  }

  /** What an index should hold, as plainly as possible. */
  @Test
  void any_sequence_of_changes_leaves_what_a_map_would_hold() throws IOException {
    Random random = new Random(7);
    float[][] few = uniform(6, 4, 8); // so that most entries share their vector
    Map<String, float[]> expected = new HashMap<>();
    LuceneIndex index = create(4);
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
          .isCloseTo(InnerProducts.of(query, expected.get(match.id()), 0), within(1e-6f));
      assertThat(index.get(match.id()).orElseThrow().vector()).isEqualTo(expected.get(match.id()));
    }
  }

  @Test
  void threads_change_an_index_and_search_it_at_once() throws Exception {
    float[][] few = uniform(20, 8, 9);
    Map<String, float[]> expected = new ConcurrentHashMap<>();
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try (LuceneIndex index = create(8)) {
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
    try (LuceneIndex index = create(16)) {
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
    try (LuceneIndex index = create(4096)) {
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
  void near_duplicates_are_folded_into_the_better_one() throws IOException {
    float[] a = {1, 0, 0};
    float[] nearA = unit(1, 0.1f, 0);
    float[] b = unit(0.5f, 0, 1);
    try (LuceneIndex index = create(3)) {
      index.addAll(
          List.of(
              new IndexEntry("a", a),
              new IndexEntry("a again", a),
              new IndexEntry("near a", nearA),
              new IndexEntry("b", b)));
      List<Match> plain = index.search(SearchQuery.of(a).optTopK(2));
      assertThat(ids(plain)).containsExactlyInAnyOrder("a", "a again");
      assertThat(plain.get(0).folded()).isEmpty();
      List<Match> folded = index.search(SearchQuery.of(a).optTopK(2).optFold(0.95f));
      assertThat(ids(folded)).hasSize(2).last().isEqualTo("b");
      assertThat(ids(folded.get(0).folded())).hasSize(2).last().isEqualTo("near a");
      assertThat(folded.get(0).folded().get(1).score()).isCloseTo(0.99504f, within(1e-4f));
    }
  }

  private static float[] unit(float... values) {
    double length = SearchQuery.length(values);
    for (int i = 0; i < values.length; i++) {
      values[i] /= (float) length;
    }
    return values;
  }

  @Test
  void what_is_unwanted_is_subtracted_or_excluded() throws IOException {
    float[] beach = {1, 0, 0};
    float[] people = {0, 1, 0};
    try (LuceneIndex index = create(3)) {
      index.addAll(
          List.of(
              new IndexEntry("beach", unit(0.8f, 0.1f, 0.6f)),
              new IndexEntry("people on a beach", unit(1, 0.9f, 0)),
              new IndexEntry("people", unit(0.3f, 1, 0))));
      assertThat(ids(index.search(beach, 3))).first().isEqualTo("beach");
      SearchQuery less = SearchQuery.of(unit(1, 0.6f, 0)).optWithout(people, 0.5f);
      assertThat(ids(index.search(unit(1, 0.6f, 0), 3))).first().isEqualTo("people on a beach");
      assertThat(ids(index.search(less))).first().isEqualTo("beach");
      assertThat(ids(index.search(SearchQuery.of(beach).optExcluding(people))))
          .containsExactly("beach", "people on a beach");
      assertThat(ids(index.search(SearchQuery.of(beach).optExcluding(people, 0.5f))))
          .containsExactly("beach");
      assertThatThrownBy(() -> index.search(SearchQuery.of(beach).optWithout(beach, 1)))
          .hasMessageContaining("length 0");
    }
  }

  @Test
  void what_does_not_fit_is_refused_and_nothing_of_it_is_added() throws IOException {
    LuceneIndex index = create(3);
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
    refused(index, "1 to 32766 bytes", new IndexEntry("", vector));
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
    for (org.assertj.core.api.ThrowableAssert.ThrowingCallable call :
        List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
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
        index.search(QUERIES[0], 1);
      }
    }
    Set<Thread> after = new HashSet<>(Thread.getAllStackTraces().keySet());
    after.removeAll(before);
    after.removeIf(thread -> !thread.getName().matches("(?i).*(lucene|clip4j-index).*"));
    assertThat(after).isEmpty();
  }
}
