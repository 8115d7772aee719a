package org.clip4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.clip4j.search.TestVectors.nearest;
import static org.clip4j.search.TestVectors.rows;
import static org.clip4j.search.TestVectors.uniform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.clip4j.io.FolderLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExactIndexTest {
  @TempDir Path temp;

  private static ExactIndex of(float[]... vectors) {
    ExactIndex index = ExactIndex.create(vectors[0].length);
    index.add(vectors);
    return index;
  }

  @Test
  void finds_what_a_plain_loop_finds() {
    for (int dimensions : new int[] {1, 7, 8, 13, 64}) {
      for (int count : new int[] {1, 255, 256, 257, 700}) {
        float[][] vectors = uniform(count, dimensions, count + dimensions);
        float[] query = uniform(1, dimensions, 99)[0];
        try (ExactIndex index = of(vectors)) {
          List<Hit> hits = index.search(query, 10);
          if (dimensions > 1) { // of length 1 all score the same but for the sign
            assertThat(rows(hits)).isEqualTo(nearest(vectors, query, 10));
          }
          assertThat(hits).hasSize(Math.min(10, count));
          assertThat(index.vector(count - 1)).isEqualTo(vectors[count - 1]);
        }
      }
    }
  }

  @Test
  void of_equal_scores_the_lower_row_comes_first() {
    float[][] vectors = new float[600][];
    Arrays.setAll(vectors, i -> i % 3 == 0 ? new float[] {1, 0} : new float[] {0, 1});
    try (ExactIndex index = of(vectors)) {
      assertThat(rows(index.search(new float[] {1, 0}, 4))).containsExactly(0, 3, 6, 9);
      assertThat(rows(index.search(new float[] {1, 1}, 4))).containsExactly(0, 1, 2, 3);
      assertThat(index.search(new float[] {1, 0}, Integer.MAX_VALUE)).hasSize(600);
    }
  }

  @Test
  void one_query_many_queries_and_npy_files_give_the_same_bits() throws IOException {
    float[][] vectors = uniform(700, 37, 1);
    float[][] queries = uniform(21, 37, 2);
    TestVectors.write(temp.resolve("a.npy"), Arrays.copyOf(vectors, 300));
    TestVectors.write(temp.resolve("b.npy"), Arrays.copyOfRange(vectors, 300, 700));
    try (ExactIndex index = of(vectors);
        ExactIndex npy = ExactIndex.ofNpy(temp.resolve("a.npy"), temp.resolve("b.npy"));
        ExactIndex copied = ExactIndex.create(37)) {
      copied.addAll(npy);
      List<List<Hit>> found = index.search(queries, 12);
      for (int i = 0; i < queries.length; i++) {
        assertThat(index.search(queries[i], 12)).isEqualTo(found.get(i));
      }
      assertThat(npy.search(queries, 12)).isEqualTo(found);
      assertThat(copied.search(queries, 12)).isEqualTo(found);
    }
  }

  @Test
  void an_opened_index_is_added_to_and_saved_again() throws IOException {
    float[][] vectors = uniform(1000, 16, 3);
    float[][] queries = uniform(5, 16, 4);
    try (ExactIndex index = of(Arrays.copyOf(vectors, 300))) {
      index.save(temp);
    }
    for (int size = 300; size < 1000; size += 70) {
      try (ExactIndex index = ExactIndex.open(temp)) {
        assertThat(index.size()).isEqualTo(size);
        index.add(Arrays.copyOfRange(vectors, size, size + 70));
        index.save(temp);
        index.save(temp); // nothing new
      }
    }
    try (ExactIndex opened = ExactIndex.open(temp);
        ExactIndex whole = of(vectors)) {
      assertThat(opened.search(queries, 9)).isEqualTo(whole.search(queries, 9));
    }
    // The last piece was replaced each time, not added to the folder.
    assertThat(TestVectors.files(temp)).hasSize(2);
  }

  @Test
  void pieces_that_are_full_are_written_once() throws IOException {
    int dimensions = 1 << 14; // a piece then holds 1024 rows
    for (Vectors.Arrangement layout : Vectors.Arrangement.values()) {
      Path folder = temp.resolve(layout.name());
      Vectors vectors = new Vectors(layout, dimensions);
      float[][] full = new float[1024][dimensions];
      full[1023][5] = 2;
      vectors.add(full);
      IndexFolder.Origin origin = new IndexFolder.Origin();
      IndexFolder.save(folder, "test", vectors, Quantization.NONE, origin);
      vectors.add(full[1023]);
      IndexFolder.save(folder, "test", vectors, Quantization.NONE, origin);
      vectors.close();
      assertThat(TestVectors.files(folder).keySet())
          .containsExactly("index.json", "vectors-00000.npy", "vectors-00001.npy");
      Vectors opened = new Vectors(layout, dimensions);
      IndexFolder.open(folder, "test").load(opened, origin);
      assertThat(opened.size()).isEqualTo(1025);
      assertThat(opened.row(1023)).isEqualTo(full[1023]).isEqualTo(opened.row(1024));
    }
  }

  @Test
  void damage_is_an_error_and_never_a_wrong_answer() throws IOException {
    float[][] queries = uniform(2, 3, 6);
    try (ExactIndex index = of(uniform(4, 3, 5))) {
      index.save(temp);
    }
    TestVectors.checkDamage(
        temp,
        folder -> {
          try (ExactIndex index = ExactIndex.open(folder)) {
            return index.search(queries, 4);
          }
        });
  }

  @Test
  void a_save_that_was_interrupted_left_what_was_there() throws IOException {
    float[][] vectors = uniform(20, 8, 7);
    try (ExactIndex index = of(vectors)) {
      index.save(temp);
    }
    // What a process leaves that is killed before index.json takes its place.
    Files.write(temp.resolve("vectors-00001.npy"), new byte[10]);
    Files.write(temp.resolve(".vectors-00002.npy.tmp"), new byte[10]);
    Files.write(temp.resolve(".index.json.tmp"), new byte[10]);
    try (ExactIndex index = ExactIndex.open(temp)) {
      assertThat(index.size()).isEqualTo(20);
      index.add(vectors);
      index.save(temp);
    }
    try (ExactIndex index = ExactIndex.open(temp)) {
      assertThat(index.size()).isEqualTo(40);
    }
  }

  @Test
  @SuppressWarnings("try") // the lock is held, and not used otherwise
  void another_index_is_not_replaced() throws IOException {
    try (ExactIndex index = of(uniform(3, 8, 8));
        ExactIndex other = of(uniform(3, 8, 9))) {
      index.save(temp);
      assertThatThrownBy(() -> other.save(temp))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(temp + " already holds an index");
      try (ExactIndex second = ExactIndex.open(temp)) {
        second.add(uniform(1, 8, 10));
        second.save(temp);
      }
      index.add(uniform(1, 8, 11));
      assertThatThrownBy(() -> index.save(temp)).hasMessageContaining("open it again");
      try (FolderLock held = new FolderLock(temp);
          ExactIndex second = ExactIndex.open(temp)) {
        assertThatThrownBy(() -> second.save(temp)).hasMessageContaining("another process");
      }
    }
    assertThatThrownBy(() -> ExactIndex.open(temp.resolve("none"))).hasMessageContaining("none");
  }

  @Test
  void vectors_and_queries_that_make_no_sense_are_refused() {
    try (ExactIndex index = ExactIndex.create(3)) {
      assertThat(index.search(new float[3], 5)).isEmpty();
      index.add(new float[] {1, 2, 3});
      assertThatThrownBy(() -> index.add(new float[] {1, 2, 3}, new float[2]))
          .hasMessageContaining("vector 1 has 2 values")
          .hasMessageContaining("have 3");
      assertThatThrownBy(() -> index.add(new float[] {1, Float.NaN, 3}))
          .hasMessageContaining("NaN at position 1");
      assertThatThrownBy(() -> index.search(new float[] {1, 2, Float.NEGATIVE_INFINITY}, 1))
          .hasMessageContaining("the query has the value -Infinity");
      assertThatThrownBy(() -> index.search(new float[4], 1)).hasMessageContaining("the query");
      assertThatThrownBy(() -> index.search(new float[3], 0)).hasMessageContaining("asked for 0");
      assertThatThrownBy(() -> index.vector(1)).hasMessageContaining("no row 1");
      assertThat(index.size()).isEqualTo(1);
    }
    assertThatThrownBy(() -> ExactIndex.create(0)).hasMessageContaining("found 0");
  }

  @Test
  void a_closed_index_answers_with_an_error() {
    ExactIndex index = of(uniform(3, 8, 12));
    index.close();
    index.close();
    assertThatThrownBy(() -> index.search(new float[8], 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(index::size).hasMessageContaining("closed");
    assertThatThrownBy(() -> index.add(new float[8])).hasMessageContaining("closed");
  }

  @Test
  void threads_search_while_one_adds() throws InterruptedException {
    float[][] vectors = uniform(3000, 8, 13);
    float[] query = vectors[0];
    try (ExactIndex index = of(vectors[0])) {
      AtomicBoolean done = new AtomicBoolean();
      Thread adder =
          new Thread(
              () -> {
                IntStream.range(1, vectors.length).forEach(i -> index.add(vectors[i]));
                done.set(true);
              });
      adder.start();
      while (!done.get()) {
        List<Hit> hits = index.search(query, 3);
        assertThat(hits.get(0).row()).isZero();
        assertThat(hits.get(0).score()).isEqualTo(InnerProducts.of(query, query, 0));
      }
      adder.join();
      assertThat(rows(index.search(query, 7))).isEqualTo(nearest(vectors, query, 7));
    }
  }
}
