package org.clip4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.search.TestVectors.nearest;
import static org.clip4j.search.TestVectors.rows;
import static org.clip4j.search.TestVectors.uniform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.clip4j.search.Vectors.Arrangement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizedIndexTest {
  private static final Quantization[] FORMS = {Quantization.INT8, Quantization.BINARY};

  @TempDir Path temp;

  private Path saved(Quantization form, float[][] vectors) throws IOException {
    Path folder = temp.resolve(form.name());
    try (ExactIndex index = ExactIndex.builder().optQuantization(form).create(vectors[0].length)) {
      index.add(vectors);
      index.save(folder);
    }
    return folder;
  }

  /**
   * As embeddings are: around some centres, along few directions, with noise in all, and one value
   * that is large in every vector.
   */
  private static float[][] embeddings(int rows, int dimensions, long seed) {
    Random random = new Random(seed);
    int directions = dimensions / 10;
    float[][] axes = uniform(directions, dimensions, seed + 1);
    float[][] centres = uniform(50, directions, seed + 2);
    float[][] vectors = new float[rows][dimensions];
    for (float[] vector : vectors) {
      float[] centre = centres[random.nextInt(centres.length)];
      for (int a = 0; a < directions; a++) {
        double along = 3 * centre[a] + 0.4 * random.nextGaussian();
        for (int d = 0; d < dimensions; d++) {
          vector[d] += (float) (along * axes[a][d]);
        }
      }
      double squares = 0;
      for (int d = 0; d < dimensions; d++) {
        vector[d] += (float) (0.06 * random.nextGaussian()) + (d == 3 ? 2 : 0);
        squares += vector[d] * vector[d];
      }
      for (int d = 0; d < dimensions; d++) {
        vector[d] /= (float) Math.sqrt(squares);
      }
    }
    return vectors;
  }

  private static double recall(List<List<Hit>> found, float[][] vectors, float[][] queries, int k) {
    double same = 0;
    for (int q = 0; q < queries.length; q++) {
      List<Integer> best = nearest(vectors, queries[q], k);
      same += rows(found.get(q)).stream().filter(best::contains).count();
    }
    return same / queries.length / k;
  }

  @Test
  void finds_nearly_all_of_the_ten_best_in_a_quarter_and_a_thirty_second_of_the_memory()
      throws IOException {
    float[][] all = embeddings(5120 + 40, 128, 1);
    float[][] vectors = Arrays.copyOf(all, 5120);
    float[][] queries = Arrays.copyOfRange(all, 5120, all.length);
    long bytes = 5120 * 128 * 4L;
    try (ExactIndex int8 = ExactIndex.open(saved(Quantization.INT8, vectors));
        ExactIndex bits = ExactIndex.open(saved(Quantization.BINARY, vectors))) {
      assertThat(int8.quantization()).isEqualTo(Quantization.INT8);
      assertThat(bits.quantization()).isEqualTo(Quantization.BINARY);
      assertThat(recall(int8.search(queries, 10), vectors, queries, 10))
          .isGreaterThanOrEqualTo(0.99);
      assertThat(recall(bits.search(queries, 10), vectors, queries, 10))
          .isGreaterThanOrEqualTo(0.95);
      // A factor of 4 bytes for each block of 256 rows comes to it.
      assertThat(int8.searchedBytes()).isEqualTo(bytes / 4 + 20 * 4);
      assertThat(bits.searchedBytes()).isEqualTo(bytes / 32 + 20 * 4);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"INT8", "BINARY"})
  void scores_are_those_without_quantization_bit_for_bit_and_all_rows_are_right(Quantization form)
      throws IOException {
    for (int dimensions : new int[] {1, 7, 63, 64, 65, 130}) {
      float[][] vectors = uniform(700, dimensions, dimensions);
      float[][] queries = uniform(11, dimensions, 99);
      TestVectors.write(temp.resolve("a.npy"), Arrays.copyOf(vectors, 301));
      TestVectors.write(temp.resolve("b.npy"), Arrays.copyOfRange(vectors, 301, 700));
      Path[] files = {temp.resolve("a.npy"), temp.resolve("b.npy")};
      try (ExactIndex plain = ExactIndex.ofNpy(files);
          ExactIndex coded = ExactIndex.builder().optQuantization(form).ofNpy(files)) {
        // With as many candidates as rows nothing can be missed.
        assertThat(coded.search(queries, 700)).isEqualTo(plain.search(queries, 700));
        List<List<Hit>> found = coded.search(queries, 3);
        for (int q = 0; q < queries.length; q++) {
          assertThat(coded.search(queries[q], 3)).isEqualTo(found.get(q));
          for (Hit hit : found.get(q)) {
            assertThat(hit.score()).isEqualTo(InnerProducts.of(queries[q], vectors[hit.row()], 0));
          }
        }
      }
    }
  }

  @Test
  void a_byte_for_each_value_is_off_by_half_a_step_at_most() {
    float[][] vectors = uniform(256, 40, 5);
    float[] query = uniform(1, 40, 6)[0];
    Int8Coding coding = new Int8Coding(40);
    float[] factors = new float[256];
    double[] products = new double[256];
    coding.scorer(query).score(coding.encode(vectors, 256, factors), 256, products);
    double sizes = 0;
    for (float value : query) {
      sizes += Math.abs(value);
    }
    for (int i = 0; i < 256; i++) {
      float largest = 0;
      for (float value : vectors[i]) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertThat(factors[i]).isEqualTo(largest / 127, within(1e-9f));
      assertThat(factors[i] * products[i])
          .isEqualTo(InnerProducts.of(query, vectors[i], 0), within(sizes * factors[i] / 2 + 1e-6));
    }
  }

  @Test
  void bits_give_the_product_with_plus_or_minus_one() {
    float[][] vectors = uniform(20, 70, 7);
    float[] query = uniform(1, 70, 8)[0];
    BitCoding coding = new BitCoding(70);
    float[] factors = new float[20];
    double[] products = new double[20];
    coding.scorer(query).score(coding.encode(vectors, 20, factors), 20, products);
    float least = Float.MAX_VALUE;
    float most = -Float.MAX_VALUE;
    for (float value : query) {
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    for (int i = 0; i < 20; i++) {
      double product = 0;
      double own = 0;
      double squares = 0;
      for (int d = 0; d < 70; d++) {
        product += vectors[i][d] >= 0 ? query[d] : -query[d];
        own += Math.abs(vectors[i][d]);
        squares += vectors[i][d] * vectors[i][d];
      }
      assertThat(products[i]).isEqualTo(product, within(70 * (most - least) / 255.0 / 2));
      assertThat(factors[i] * own).isEqualTo(squares, within(1e-5)); // right for the row itself
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"INT8", "BINARY"})
  void rows_of_different_lengths_copies_and_zeros_are_found(Quantization form) throws IOException {
    float[][] all = embeddings(2020, 64, 9);
    float[][] vectors = Arrays.copyOf(all, 2000);
    float[][] queries = Arrays.copyOfRange(all, 2000, all.length);
    Random random = new Random(10);
    for (int i = 0; i < vectors.length; i++) {
      float length = i % 100 == 0 ? 0 : (float) Math.exp(random.nextGaussian());
      for (int d = 0; d < 64; d++) {
        vectors[i][d] *= length;
      }
    }
    for (int i = 500; i < 1000; i++) {
      vectors[i] = vectors[499].clone();
    }
    try (ExactIndex index = ExactIndex.open(saved(form, vectors))) {
      assertThat(recall(index.search(queries, 10), vectors, queries, 10))
          .isGreaterThanOrEqualTo(0.95);
      float[][] copy = {vectors[499]};
      assertThat(index.search(copy, 3).get(0).get(0).score())
          .isEqualTo(index.search(copy, 2000).get(0).get(0).score());
    }
  }

  @ParameterizedTest
  @EnumSource(Quantization.class)
  void an_index_is_opened_in_any_form_whatever_it_was_saved_with(Quantization form)
      throws IOException {
    float[][] vectors = uniform(600, 24, 12);
    float[][] queries = uniform(5, 24, 13);
    Path folder = saved(form, vectors);
    String manifest = Files.readString(folder.resolve("index.json"));
    assertThat(manifest.contains("quantization")).isEqualTo(form != Quantization.NONE);
    try (ExactIndex plain = ExactIndex.builder().optQuantization(Quantization.NONE).open(folder)) {
      for (Quantization other : Quantization.values()) {
        try (ExactIndex index =
            ExactIndex.builder().optQuantization(other).optOversampling(60).open(folder)) {
          assertThat(index.search(queries, 10)).isEqualTo(plain.search(queries, 10));
          assertThat(index.vector(599)).isEqualTo(vectors[599]);
        }
      }
    }
  }

  @Test
  void more_oversampling_finds_more() throws IOException {
    float[][] vectors = uniform(3000, 64, 14);
    float[][] queries = uniform(20, 64, 15);
    Path folder = saved(Quantization.BINARY, vectors);
    double before = 0;
    for (int oversampling : new int[] {1, 4, 300}) {
      try (ExactIndex index = ExactIndex.builder().optOversampling(oversampling).open(folder)) {
        double recall = recall(index.search(queries, 10), vectors, queries, 10);
        assertThat(recall).isGreaterThan(before);
        before = recall;
      }
    }
    assertThat(before).isEqualTo(1);
    assertThatThrownBy(() -> ExactIndex.builder().optOversampling(0))
        .hasMessageContaining("found 0");
  }

  @ParameterizedTest
  @EnumSource(
      value = Quantization.class,
      names = {"INT8", "BINARY"})
  void rows_are_added_and_saved_and_searched_with_the_others(Quantization form) throws IOException {
    float[][] vectors = uniform(1000, 16, 16);
    float[][] queries = uniform(5, 16, 17);
    Path folder = saved(form, Arrays.copyOf(vectors, 300));
    for (int size = 300; size < 1000; size += 70) {
      try (ExactIndex index = ExactIndex.builder().optOversampling(100).open(folder)) {
        index.add(Arrays.copyOfRange(vectors, size, size + 70));
        assertThat(index.searchedBytes()).isEqualTo((size + 70) * 64L);
        try (ExactIndex plain = ExactIndex.create(16)) {
          plain.add(Arrays.copyOf(vectors, size + 70));
          assertThat(index.search(queries, 9)).isEqualTo(plain.search(queries, 9));
        }
        index.save(folder);
      }
    }
    assertThat(TestVectors.files(folder)).hasSize(2);
    try (ExactIndex index = ExactIndex.open(folder)) {
      assertThat(index.quantization()).isEqualTo(form);
      assertThat(index.size()).isEqualTo(1000);
      assertThat(index.searchedBytes()).isLessThan(1000 * 20);
    }
  }

  @Test
  void damage_is_an_error_and_never_a_wrong_answer() throws IOException {
    float[][] queries = uniform(2, 3, 6);
    for (Quantization form : FORMS) {
      TestVectors.checkDamage(
          saved(form, uniform(4, 3, 5)),
          folder -> {
            try (ExactIndex index = ExactIndex.open(folder)) {
              return index.search(queries, 4);
            }
          });
    }
  }

  @Test
  void a_file_that_is_cut_while_it_is_searched_is_an_error() throws IOException {
    Path folder = saved(Quantization.BINARY, uniform(4000, 32, 18));
    try (ExactIndex index = ExactIndex.open(folder)) {
      Path file = folder.resolve("vectors-00000.npy");
      Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 200));
      assertThatThrownBy(() -> index.search(new float[32], 3)).hasMessageContaining("was cut");
    }
  }

  @Test
  void an_empty_and_a_closed_index_answer_as_without_quantization() throws IOException {
    Path folder = temp.resolve("empty");
    for (Quantization form : FORMS) {
      try (ExactIndex index = ExactIndex.builder().optQuantization(form).create(3)) {
        assertThat(index.search(new float[3], 2)).isEmpty();
        index.save(folder.resolve(form.name()));
      }
      ExactIndex opened = ExactIndex.open(folder.resolve(form.name()));
      assertThat(opened.search(new float[3], 2)).isEmpty();
      opened.close();
      assertThatThrownBy(() -> opened.search(new float[3], 2)).hasMessageContaining("closed");
    }
  }

  @Test
  void a_file_is_read_in_blocks_of_rows_in_either_arrangement() throws IOException {
    float[][] vectors = uniform(600, 5, 19);
    for (Arrangement layout : Arrangement.values()) {
      Vectors rows = new Vectors(layout, 5);
      rows.add(vectors);
      Path file = temp.resolve(layout + ".npy");
      if (layout == Arrangement.ROWS) {
        NpyFile.write(file, 5, rows.pieces());
      } else {
        NpyFile.writeColumns(file, rows.pieces().get(0));
      }
      float[][] read = new float[600][];
      new RowFile(NpyFile.open(file), layout, 40, 600)
          .read(
              5,
              (first, count, some) -> {
                for (int i = 0; i < count; i++) {
                  read[first - 40 + i] = some[i].clone();
                }
              });
      assertThat(read).isDeepEqualTo(vectors);
    }
  }
}
