package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.PairFilter.Dropped;
import org.clip4j.eval.internal.Dot;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.train.SmallTraining;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PairFilterTest {
  @TempDir Path folder;

  private static PairSource pairs(int count) {
    return new PairSource() {
      @Override
      public int size() {
        return count;
      }

      @Override
      public ImageTextPair get(int index) {
        return new ImageTextPair(
            ImageSource.of(new byte[0], index + ".png"), List.of("caption " + index));
      }
    };
  }

  private static float[][] images(int count, long seed) {
    Random random = new Random(seed);
    float[][] images = new float[count][16];
    for (float[] image : images) {
      double squares = 0;
      for (int d = 0; d < image.length; d++) {
        image[d] = (float) random.nextGaussian();
        squares += image[d] * image[d];
      }
      for (int d = 0; d < image.length; d++) {
        image[d] /= (float) Math.sqrt(squares);
      }
    }
    return images;
  }

  @Test
  void every_pair_is_kept_or_in_the_ledger_with_its_reason() throws IOException {
    float[] scores = {0.5f, 0.1f, 0.4f, 0, 0.3f, 0.45f};
    float[][] images = images(6, 1);
    images[3] = null;
    images[5] = images[0].clone(); // scores less than pair 0
    PairFilter.Result result =
        PairFilter.create()
            .optTopShare(0.75) // 3 of 4
            .optMinScore(0.35)
            .select(pairs(6), scores, images, Map.of(3, "3.png is damaged"));
    assertThat(result.keptIndices()).containsExactly(0, 2);
    assertThat(result.kept().get(1).captions()).containsExactly("caption 2");
    assertThat(result.dropped()).extracting(Dropped::pair).containsExactly(1, 3, 4, 5);
    assertThat(result.dropped())
        .extracting(Dropped::reason)
        .satisfiesExactly(
            below -> assertThat(below).isEqualTo("score 0.1000 is below 0.35"),
            damaged -> assertThat(damaged).isEqualTo("3.png is damaged"),
            below -> assertThat(below).isEqualTo("score 0.3000 is below 0.35"),
            twin -> assertThat(twin).startsWith("duplicate of pair 0, 0.png"));
    Path ledger = folder.resolve("run/filtered.jsonl");
    result.writeLedger(ledger);
    assertThat(Files.readAllLines(ledger))
        .hasSize(4)
        .contains("{\"pair\":3,\"image\":\"3.png\",\"reason\":\"3.png is damaged\"}")
        .contains(
            "{\"pair\":1,\"image\":\"1.png\",\"score\":0.1,\"reason\":\"score 0.1000 is below 0.35\"}");
  }

  /** The first image cannot be read; scores are means over a pair's captions. */
  @Test
  void a_model_scores_each_pair_by_its_image_and_all_its_captions() {
    List<ImageTextPair> all = new ArrayList<>();
    all.add(pairs(1).get(0));
    for (int i = 0; i < 11; i++) {
      ImageTextPair shape = SmallTraining.SHAPES.training(11).get(i);
      all.add(new ImageTextPair(shape.image(), List.of(shape.captions().get(0), "number " + i)));
    }
    List<Long> progress = new ArrayList<>();
    try (ClipModel model = ClipModel.create(SmallTraining.WORDS, 3);
        Encoder encoder =
            new Encoder(model, ImageTransform.openai(32, 32), ClipTokenizer.create(16))) {
      double[] scores = new double[12];
      for (int i = 1; i < 12; i++) {
        float[] image = encoder.encodeImages(List.of(all.get(i).image()))[0];
        for (float[] text : encoder.encodeTexts(all.get(i).captions())) {
          scores[i] += Dot.of(image, text) / 2;
        }
      }
      PairFilter.Result result =
          PairFilter.create()
              .optTopShare(4 / 11.0)
              .optKeepDuplicates()
              .optProgress(progress::add)
              .run(encoder, Pairs.of(all));
      assertThat(result.keptIndices())
          .containsExactlyElementsOf(
              IntStream.range(1, 12)
                  .boxed()
                  .sorted(Comparator.comparingDouble(i -> -scores[i]))
                  .limit(4)
                  .sorted()
                  .toList());
      assertThat(result.dropped()).hasSize(8);
      assertThat(result.dropped().get(0).score()).isNull();
      assertThat(result.dropped().get(0).reason()).contains("0.png");
      Dropped second = result.dropped().get(1);
      assertThat((double) second.score()).isCloseTo(scores[second.pair()], within(1e-5));
    }
    assertThat(progress).containsExactly(12L);
  }

  @Test
  void a_top_share_is_of_what_is_neither_unreadable_nor_twice_there() {
    float[] scores = {0.9f, 0.8f, 0.7f, 0.6f, 0.5f};
    float[][] images = images(5, 2);
    images[1] = images[0].clone();
    PairFilter filter = PairFilter.create().optTopShare(0.5);
    assertThat(filter.select(pairs(5), scores, images, Map.of()).keptIndices())
        .containsExactly(0, 2);
    assertThat(filter.optKeepDuplicates().select(pairs(5), scores, images, Map.of()).keptIndices())
        .containsExactly(0, 1, 2); // 2.5 is rounded up
  }

  @Test
  void duplicates_are_those_that_comparing_all_with_all_finds() {
    int count = 400;
    float[][] images = images(count, 3);
    Random random = new Random(4);
    float[] scores = new float[count];
    for (int i = 0; i < count; i++) {
      scores[i] = random.nextFloat();
    }
    double threshold = 0.6; // chains of neighbours, not only pairs
    List<Integer> kept =
        PairFilter.create()
            .optDuplicate(threshold)
            .select(pairs(count), scores, images, Map.of())
            .keptIndices();
    assertThat(kept).hasSizeBetween(50, 399);
    // Greedy by score, over all pairs.
    List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
    order.sort((a, b) -> Float.compare(scores[b], scores[a]));
    List<Integer> expected = new ArrayList<>();
    for (int i : order) {
      if (expected.stream().noneMatch(j -> dot(images[i], images[j]) >= threshold)) {
        expected.add(i);
      }
    }
    assertThat(kept).containsExactlyElementsOf(expected.stream().sorted().toList());
  }

  private static float dot(float[] a, float[] b) {
    return Dot.of(a, b);
  }

  @Test
  void what_leaves_nothing_or_makes_no_sense_is_refused() {
    assertThatThrownBy(
            () ->
                PairFilter.create()
                    .optMinScore(0.9)
                    .select(pairs(2), new float[] {0.1f, 0.2f}, images(2, 1), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("none of the 2 pairs")
        .hasMessageContaining("score 0.1000 is below 0.9");
    assertThatThrownBy(
            () -> PairFilter.create().select(pairs(0), new float[0], new float[0][], Map.of()))
        .hasMessageContaining("no pairs");
    assertThatThrownBy(() -> PairFilter.create().optTopShare(0)).hasMessageContaining("found 0");
    assertThatThrownBy(() -> PairFilter.create().optMinScore(30)).hasMessageContaining("-1 to 1");
    assertThatThrownBy(() -> PairFilter.create().optDuplicate(Double.NaN))
        .hasMessageContaining("NaN");
  }
}
