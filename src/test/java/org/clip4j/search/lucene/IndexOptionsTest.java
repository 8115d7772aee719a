package org.clip4j.search.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.clip4j.search.lucene.LuceneIndexTest.VECTORS;
import static org.clip4j.search.lucene.LuceneIndexTest.entries;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.lucene.codecs.hnsw.HnswGraphProvider;
import org.apache.lucene.codecs.perfield.PerFieldKnnVectorsFormat;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.hnsw.HnswGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the options of an index do to its graph, and to what a search sees. */
class IndexOptionsTest {
  private static final int ENTRIES = 500;

  @TempDir Path temp;

  /** Counts the edges of each vector in the lowest layer, which Lucene lets have twice as many. */
  private int[] edges(String name, UnaryOperator<LuceneIndexBuilder> options) throws IOException {
    Path folder = temp.resolve(name);
    try (LuceneIndex index =
        options.apply(LuceneIndex.builder(folder).optDimensions(16).optThreads(1)).create()) {
      index.addAll(entries(VECTORS, 0, ENTRIES));
    }
    try (FSDirectory directory = FSDirectory.open(folder);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(reader.leaves()).hasSize(1);
      CodecReader segment = (CodecReader) reader.leaves().get(0).reader();
      var formats = (PerFieldKnnVectorsFormat.FieldsReader) segment.getVectorReader();
      String field = CheckedSearcher.VECTOR;
      HnswGraph graph = ((HnswGraphProvider) formats.getFieldReader(field)).getGraph(field);
      int[] counts = new int[graph.size()];
      for (int node = 0; node < counts.length; node++) {
        graph.seek(0, node);
        while (graph.nextNeighbor() != DocIdSetIterator.NO_MORE_DOCS) {
          counts[node]++;
        }
      }
      return counts;
    }
  }

  private static int most(int[] edges) {
    return IntStream.of(edges).max().orElseThrow();
  }

  @Test
  void a_vector_has_no_more_edges_than_the_degree_says() throws IOException {
    assertThat(most(edges("default", builder -> builder))).isBetween(17, 32);
    assertThat(most(edges("few", builder -> builder.optDegree(3)))).isEqualTo(6);
  }

  @Test
  void a_new_vector_is_joined_to_what_the_beam_looked_at() throws IOException {
    int[] wide = edges("wide", builder -> builder);
    int[] narrow = edges("narrow", builder -> builder.optBuildBeam(1));
    // One edge there and one back for each new vector, and some that join what is apart.
    assertThat(IntStream.of(narrow).sum()).isBetween(ENTRIES, 3 * ENTRIES);
    assertThat(IntStream.of(wide).sum()).isGreaterThan(6 * ENTRIES);
  }

  @Test
  void more_candidates_find_what_a_poor_graph_hides() throws IOException {
    int most = VECTORS.length - 20;
    try (LuceneIndex index =
        LuceneIndex.builder(temp)
            .optDimensions(16)
            .optThreads(1)
            .optDegree(2)
            .optBuildBeam(1)
            .create()) {
      index.addAll(entries(VECTORS, 0, most));
      int few = 0;
      for (int i = most; i < VECTORS.length; i++) {
        SearchQuery query = SearchQuery.of(VECTORS[i]).optTopK(3);
        List<String> nearest = LuceneIndexTest.ids(index.search(query.optExact(true)));
        query.optExact(false);
        assertThat(LuceneIndexTest.ids(index.search(query.optCandidates(most)))).isEqualTo(nearest);
        few += LuceneIndexTest.ids(index.search(query.optCandidates(3))).equals(nearest) ? 1 : 0;
      }
      assertThat(few).isLessThan(15);
    }
  }

  @Test
  void a_search_sees_what_is_younger_than_the_interval_only_after_a_refresh() throws IOException {
    try (LuceneIndex index =
        LuceneIndex.builder(temp)
            .optDimensions(16)
            .optRefreshInterval(Duration.ofDays(1))
            .create()) {
      index.addAll(entries(VECTORS, 0, 3));
      assertThat(index.search(VECTORS[0], 3)).isEmpty();
      index.refresh();
      assertThat(index.search(VECTORS[0], 3)).hasSize(3);
    }
  }
}
