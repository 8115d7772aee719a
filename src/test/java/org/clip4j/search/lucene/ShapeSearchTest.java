package org.clip4j.search.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.clip4j.search.Embeddings;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Searches among ten generated pictures of each of 64 combinations of shape and colour, embedded by
 * the Quickstart's model (examples/peers/ShapeEmbeddings.java).
 */
class ShapeSearchTest {
  private static final Path SHAPES = Path.of("src/test/resources/search-shapes");
  private static final List<String> COLOURS =
      List.of("red", "orange", "yellow", "green", "blue", "purple", "pink", "black");
  private static final List<String> KINDS =
      List.of("circle", "square", "triangle", "star", "heart", "cross", "ring", "crescent");

  @TempDir static Path temp;
  private static LuceneIndex index;
  private static final Map<String, float[]> TEXTS = new HashMap<>();

  @BeforeAll
  static void embed() throws IOException {
    index = LuceneIndex.builder(temp).optDimensions(64).create();
    try (Embeddings images = Embeddings.open(SHAPES.resolve("images"));
        Embeddings texts = Embeddings.open(SHAPES.resolve("texts"))) {
      index.addAll(images, row -> "picture " + row);
      for (int i = 0; i < texts.size(); i++) {
        TEXTS.put(texts.name(i).get(0), texts.index().vector(i));
      }
    }
  }

  @AfterAll
  static void close() throws IOException {
    index.close();
  }

  private static List<String> labels(List<Match> matches) {
    return matches.stream().map(match -> (String) match.fields().get("label")).toList();
  }

  private static double share(List<Match> matches, String word) {
    return labels(matches).stream().filter(label -> label.contains(word)).count()
        / (double) Math.max(1, matches.size());
  }

  /** "Something red" without "a red circle", for every colour and shape. */
  @Test
  void a_colour_without_a_shape_is_found_by_subtracting_and_by_excluding() throws IOException {
    double plain = 0;
    double subtracted = 0;
    double excluded = 0;
    double stillOfTheColour = 0;
    for (String colour : COLOURS) {
      for (String kind : KINDS) {
        float[] query = TEXTS.get("something " + colour);
        float[] unwanted = TEXTS.get("a " + colour + " " + kind);
        plain += share(index.search(SearchQuery.of(query).optTopK(40)), kind) / 64;
        List<Match> less =
            index.search(SearchQuery.of(query).optTopK(40).optWithout(unwanted, 0.5f));
        subtracted += share(less, kind) / 64;
        stillOfTheColour += share(less, colour) / 64;
        List<Match> without =
            index.search(SearchQuery.of(query).optTopK(40).optExcluding(unwanted));
        excluded += share(without, kind) / 64;
      }
    }
    assertThat(plain).isBetween(0.08, 0.2); // an eighth
    assertThat(subtracted).as("subtracted").isLessThan(0.02);
    assertThat(stillOfTheColour).as("colour").isGreaterThan(0.7);
    assertThat(excluded).as("excluded").isLessThan(0.02);
  }

  /** What is returned for queries with 0 and 10 relevant pictures, at a rate of 0.3. */
  @Test
  void what_is_not_there_finds_nothing_and_what_is_there_is_found() throws IOException {
    Function<String, SearchQuery> relevant =
        label -> SearchQuery.of(TEXTS.get("a " + label)).optTopK(100).optRelevance(0.3);
    double f1 = 0;
    int answered = 0;
    for (String colour : COLOURS) {
      for (String kind : KINDS) {
        String label = colour + " " + kind;
        List<Match> found = index.search(relevant.apply(label));
        f1 += 2 * share(found, label) * found.size() / (found.size() + 10) / 64;
        assertThat(found).allMatch(match -> match.chance() <= 0.3);
        List<String> ids =
            index
                .search(
                    SearchQuery.of(TEXTS.get("a " + label))
                        .optTopK(640)
                        .optWhere(Filter.equal("label", label)))
                .stream()
                .map(Match::id)
                .toList();
        assertThat(ids).hasSize(10);
        List<IndexEntry> removed = ids.stream().map(ShapeSearchTest::entry).toList();
        index.remove(ids);
        answered += index.search(relevant.apply(label)).isEmpty() ? 0 : 1;
        index.addAll(removed);
      }
    }
    // NumPy and SciPy on the same embeddings: 0.872 and 7 of 64.
    assertThat(f1).isBetween(0.86, 0.88);
    assertThat(answered).isEqualTo(7);
    assertThat(Set.copyOf(labels(index.search(relevant.apply("red star")))))
        .containsExactly("red star");
  }

  private static IndexEntry entry(String id) {
    try {
      return index.get(id).orElseThrow();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
