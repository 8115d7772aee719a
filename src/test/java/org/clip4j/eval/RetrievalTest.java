package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.clip4j.eval.Retrieval.Recall;
import org.clip4j.eval.internal.Dot;
import org.clip4j.testing.Mutations;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RetrievalTest {

  /** A unit vector in the plane. */
  private static float[] at(double degrees) {
    double angle = Math.toRadians(degrees);
    return new float[] {(float) Math.cos(angle), (float) Math.sin(angle)};
  }

  @Test
  void ranks_are_those_counted_by_hand() {
    // In the plane the nearer angle is the more similar one.
    float[][] images = {at(0), at(20), at(90)};
    float[][] texts = {at(5), at(2), at(80)};
    Retrieval retrieval = Retrieval.of(images, texts, new int[] {0, 1, 2});
    // Text 1 at 2 degrees has image 0 (2 away) before its own (18 away); the others find theirs.
    assertThat(retrieval.textToImage().at1()).isCloseTo(2 / 3.0, within(1e-12));
    // Image 0 has text 1 (2 away) before its own (5); image 1 has text 0 (15) before its own (18).
    assertThat(retrieval.imageToText().at1()).isCloseTo(1 / 3.0, within(1e-12));
    assertThat(retrieval.textToImage().at5()).isEqualTo(1);
    assertThat(retrieval.imageToText().at5()).isEqualTo(1);
  }

  @Test
  void of_several_captions_the_best_counts_for_the_image_and_each_for_itself() {
    float[][] images = {at(0), at(60)};
    float[][] texts = {at(1), at(50), at(59), at(58)};
    Retrieval retrieval = Retrieval.of(images, texts, new int[] {0, 0, 1, 1});
    // The second caption of image 0 is nearer to image 1: it misses, the image does not.
    assertThat(retrieval.textToImage().at1()).isEqualTo(0.75);
    assertThat(retrieval.imageToText().at1()).isEqualTo(1);
    assertThat(retrieval.images()).isEqualTo(2);
    assertThat(retrieval.texts()).isEqualTo(4);
  }

  @Test
  void five_and_ten_are_told_apart() {
    // Images 0 to 11 every degree; each text lies so that its own image has a known rank.
    float[][] images = new float[12][];
    for (int i = 0; i < images.length; i++) {
      images[i] = at(i);
    }
    int[] own = {0, 4, 5, 9, 10, 11, 1, 2, 3, 6, 7, 8}; // from an angle below 0 the rank is i
    float[][] texts = new float[12][];
    for (int t = 0; t < texts.length; t++) {
      texts[t] = at(-1 - t / 100.0);
    }
    Recall recall = Retrieval.of(images, texts, own).textToImage();
    assertThat(recall).isEqualTo(new Recall(1 / 12.0, 5 / 12.0, 10 / 12.0));
  }

  @Test
  void a_collapsed_model_finds_nothing() {
    float[][] same = {at(30), at(30), at(30)};
    Retrieval retrieval = Retrieval.of(same, same, new int[] {0, 1, 2});
    assertThat(retrieval.textToImage().at1()).isZero();
    assertThat(retrieval.imageToText().at1()).isZero();
  }

  @Test
  void what_is_not_a_number_finds_nothing() {
    float[][] broken = {{Float.NaN, 0}, {Float.NaN, 0}};
    Retrieval retrieval = Retrieval.of(broken, broken, new int[] {0, 1});
    assertThat(retrieval.textToImage().at1()).isZero();
    assertThat(retrieval.imageToText().at1()).isZero();
  }

  @Test
  void chance_is_one_in_the_number_of_candidates() {
    Random random = new Random(5);
    int n = 400;
    float[][] images = new float[n][];
    float[][] texts = new float[n][];
    int[] own = new int[n];
    for (int i = 0; i < n; i++) {
      images[i] = at(360 * random.nextDouble());
      texts[i] = at(360 * random.nextDouble());
      own[i] = i;
    }
    Recall recall = Retrieval.of(images, texts, own).imageToText();
    assertThat(recall.at10()).isBetween(0.5 * 10 / n, 2.0 * 10 / n);
  }

  /** Unit vectors, some of which are equal: where they stand must not tell them apart. */
  private static float[][] directions(int n, int width, int different, long seed) {
    Random random = new Random(seed);
    float[][] kinds = new float[different][width];
    for (float[] kind : kinds) {
      double norm = 0;
      for (int e = 0; e < width; e++) {
        kind[e] = (float) random.nextGaussian();
        norm += kind[e] * kind[e];
      }
      for (int e = 0; e < width; e++) {
        kind[e] /= (float) Math.sqrt(norm);
      }
    }
    float[][] rows = new float[n][];
    for (int i = 0; i < n; i++) {
      rows[i] = kinds[random.nextInt(different)].clone();
    }
    return rows;
  }

  private static float[][] near(float[][] images, int[] imageOfText, double noise, long seed) {
    Random random = new Random(seed);
    float[][] texts = new float[imageOfText.length][];
    for (int t = 0; t < texts.length; t++) {
      texts[t] = images[imageOfText[t]].clone();
      for (int e = 0; e < texts[t].length; e++) {
        texts[t][e] += (float) (noise * random.nextGaussian());
      }
    }
    return texts;
  }

  /** As the class says it is counted, one comparison after the other. */
  private static int[][] ranksOneByOne(float[][] images, float[][] texts, int[] imageOfText) {
    int[][] ranks = {new int[texts.length], new int[images.length]};
    float[] best = new float[images.length];
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    for (int t = 0; t < texts.length; t++) {
      int i = imageOfText[t];
      best[i] = Math.max(best[i], Dot.of(texts[t], images[i]));
    }
    for (int t = 0; t < texts.length; t++) {
      float own = Dot.of(texts[t], images[imageOfText[t]]);
      for (int i = 0; i < images.length; i++) {
        if (i != imageOfText[t]) {
          ranks[0][t] += Dot.of(texts[t], images[i]) < own ? 0 : 1;
          ranks[1][i] += Dot.of(texts[t], images[i]) < best[i] ? 0 : 1;
        }
      }
    }
    for (int[] side : ranks) {
      Arrays.setAll(side, i -> Math.min(side[i], RetrievalRanks.MOST));
    }
    return ranks;
  }

  @Test
  void ranks_in_blocks_are_those_counted_one_by_one() {
    int width = 37;
    int[] imageOfText = IntStream.range(0, 330).map(t -> t * 7 % 110).toArray();
    for (double noise : new double[] {0, 0.1, 0.3, 3}) {
      for (int different : new int[] {1, 20, 10_000}) {
        float[][] images = directions(110, width, different, 3);
        float[][] texts = near(images, imageOfText, noise, 4);
        int[][] expected = ranksOneByOne(images, texts, imageOfText);
        for (int block : new int[] {7, 64, 1000}) {
          RetrievalRanks ranks =
              new RetrievalRanks(
                  EmbeddingRows.of(images),
                  EmbeddingRows.of(texts),
                  imageOfText,
                  block,
                  2 * block,
                  share -> {});
          String name = noise + " " + different + " " + block;
          assertThat(ranks.textRanks).as(name).isEqualTo(expected[0]);
          assertThat(ranks.imageRanks).as(name).isEqualTo(expected[1]);
        }
      }
    }
  }

  @Test
  void one_image_that_is_not_a_number_misses_alone() {
    int[] imageOfText = IntStream.range(0, 50).toArray();
    float[][] images = directions(50, 16, 10_000, 3);
    float[][] texts = near(images, imageOfText, 0.01, 4);
    images[20][3] = Float.NaN;
    Retrieval retrieval = Retrieval.of(images, texts, imageOfText);
    assertThat(retrieval.textToImage()).isEqualTo(new Recall(0, 0.98, 0.98)); // it is before all
    assertThat(retrieval.imageToText()).isEqualTo(new Recall(0.98, 0.98, 0.98));
  }

  @Test
  void progress_ends_at_all_and_never_falls() {
    float[][] images = directions(10, 4, 10_000, 3);
    List<Double> shares = new ArrayList<>();
    new RetrievalRanks(
        EmbeddingRows.of(images),
        EmbeddingRows.of(images),
        IntStream.range(0, 10).toArray(),
        4,
        4,
        shares::add);
    assertThat(shares).isSorted().hasSize(9).endsWith(1.0);
  }

  @Test
  void missing_partners_are_errors() {
    assertThatThrownBy(() -> Retrieval.of(new float[0][], new float[0][], new int[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least one image");
    float[][] two = {at(0), at(20)};
    assertThatThrownBy(() -> Retrieval.of(two, two, new int[] {0, 2}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("text 1 belongs to image 2, and the images are 0 to 1");
    assertThatThrownBy(() -> Retrieval.of(two, two, new int[] {1, 1}))
        .hasMessageContaining("image 0 has no text");
    assertThatThrownBy(() -> Retrieval.of(two, two, new int[] {0}))
        .hasMessageContaining("2 images, 2 texts and images named for 1");
    float[][] wider = {{1, 0, 0}, {0, 1, 0}};
    assertThatThrownBy(() -> Retrieval.of(two, wider, new int[] {0, 1}))
        .hasMessageContaining("images have 2 values and texts 3");
  }

  @Test
  void vectors_may_lie_in_one_array_or_in_a_file(@TempDir Path folder) throws IOException {
    float[][] rows = directions(7, 5, 10_000, 1);
    float[] flat = new float[35];
    for (int i = 0; i < 35; i++) {
      flat[i] = rows[i / 5][i % 5];
    }
    Path file = folder.resolve("rows.npy");
    Files.write(file, npy("<f4", "(7, 5)", flat));
    try (NumpyArray npy = NumpyArray.open(file)) {
      for (EmbeddingRows source : List.of(npy, EmbeddingRows.of(flat, 5), EmbeddingRows.of(rows))) {
        assertThat(source.count()).isEqualTo(7);
        assertThat(source.width()).isEqualTo(5);
        FloatBuffer three = FloatBuffer.allocate(15);
        source.copy(2, three);
        assertThat(three.array()).isEqualTo(Arrays.copyOfRange(flat, 10, 25));
      }
    }
    assertThat(NumpyArray.matrix(file)).isDeepEqualTo(rows);
    Files.write(file, npy("<f4", "(4,)", 3, 0, 1, 2));
    assertThat(NumpyArray.ints(file)).containsExactly(3, 0, 1, 2);
    assertThatThrownBy(() -> EmbeddingRows.of(flat, 4)).hasMessageContaining("35 values");
  }

  private static byte[] npy(String type, String shape, float... values) {
    String header =
        "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n".formatted(type, shape);
    ByteBuffer bytes = ByteBuffer.allocate(10 + header.length() + 4 * values.length);
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    bytes.putShort((short) header.length());
    bytes.put(header.getBytes(StandardCharsets.ISO_8859_1));
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }

  @Test
  void damaged_arrays_are_refused_by_name(@TempDir Path folder) {
    Path file = folder.resolve("rows.npy");
    List<byte[]> inputs = List.of(npy("<f4", "(2, 3)", 1, 2, 3, 4, 5, 6), npy("<f4", "(2,)", 1, 2));
    int refused =
        Mutations.check(
            1,
            500,
            inputs,
            input -> {
              NumpyArray.matrix(Mutations.write(file, input));
              NumpyArray.ints(file);
            },
            List.of(IOException.class));
    assertThat(refused).isGreaterThan(100);
  }

  private static ProbeAccuracy accuracy(float[][] images, int[] labels, float[][] classes) {
    EmbeddingClassifier classifier = EmbeddingClassifier.cosine(classes);
    return ProbeAccuracy.of(
        Stream.of(images).map(classifier::scores).toArray(float[][]::new), labels);
  }

  @Test
  void accuracy_is_the_one_counted_by_hand() {
    float[][] classes = {at(0), at(30), at(60), at(90), at(120), at(150), at(180)};
    float[][] images = {at(2), at(32), at(70), at(178), at(178)};
    // Nearest classes 0, 1, 2, 6, 6. The 4th is right second (class 5), the 5th right seventh.
    ProbeAccuracy accuracy = accuracy(images, new int[] {0, 1, 2, 5, 0}, classes);
    assertThat(accuracy.top1()).isEqualTo(0.6);
    assertThat(accuracy.top5()).isEqualTo(0.8);
  }

  @Test
  void a_class_as_similar_as_the_right_one_counts_as_more_similar() {
    float[][] classes = {at(10), at(10), at(200)};
    ProbeAccuracy accuracy = accuracy(new float[][] {at(10), at(200)}, new int[] {0, 2}, classes);
    assertThat(accuracy.top1()).isEqualTo(0.5);
    assertThat(accuracy.top5()).isEqualTo(1);
  }
}
