package org.clip4j.search.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.search.TestVectors.nearest;
import static org.clip4j.search.TestVectors.uniform;
import static org.clip4j.search.lucene.LuceneIndexTest.VECTORS;
import static org.clip4j.search.lucene.LuceneIndexTest.create;
import static org.clip4j.search.lucene.LuceneIndexTest.entries;
import static org.clip4j.search.lucene.LuceneIndexTest.ids;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.apache.lucene.util.VectorUtil;
import org.clip4j.search.ExactIndex;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a search finds, by each of its options. */
class IndexSearchTest {
  private static final float[][] QUERIES = uniform(50, 16, 2);

  @TempDir Path temp;

  private static List<String> names(List<Integer> rows) {
    return rows.stream().map(row -> "e" + row).toList();
  }

  private static double recall(LuceneIndex index) throws IOException {
    int found = 0;
    for (float[] query : QUERIES) {
      Set<String> ids = new HashSet<>(ids(index.search(query, 10)));
      found += (int) names(nearest(VECTORS, query, 10)).stream().filter(ids::contains).count();
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
        assertThat(recall(index)).isGreaterThan(0.97);
        index.compact();
        assertThat(recall(index)).isGreaterThan(0.97);
        for (float[] query : QUERIES) {
          List<Match> exact = index.search(SearchQuery.of(query).optExact(true));
          assertThat(ids(exact)).isEqualTo(names(nearest(VECTORS, query, 10)));
          Match best = index.search(query, 1).get(0);
          int row = Integer.parseInt(best.id().substring(1));
          // The exact vectors score, also where bytes were searched.
          assertThat(best.score())
              .isCloseTo(VectorUtil.dotProduct(query, VECTORS[row]), within(1e-6f));
        }
        assertThat(index.isInt8()).isEqualTo(int8);
      }
    }
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
    Map<Filter, IntPredicate> cases = new HashMap<>();
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
    try (LuceneIndex index = create(temp, 16)) {
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
      Collections.shuffle(entries, new Random(6));
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

  @Test
  void near_duplicates_are_folded_into_the_better_one() throws IOException {
    float[] a = {1, 0, 0};
    float[] nearA = unit(1, 0.1f, 0);
    float[] b = unit(0.5f, 0, 1);
    try (LuceneIndex index = create(temp, 3)) {
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
    try (LuceneIndex index = create(temp, 3)) {
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
}
