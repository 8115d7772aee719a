package org.clip4j.eval.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Against PyTorch's values, see examples/peers/make_tip_adapter.py. */
class TipAdapterTest {
  private static JsonObject golden;
  private static float[][] words;
  private static float[][] cached;
  private static int[] labels;
  private static float[][] features;
  private static int[] truth;

  @BeforeAll
  static void read() throws IOException {
    golden =
        JsonParser.parseString(
                Files.readString(Path.of("src/test/resources/probe/tip-adapter.json")))
            .getAsJsonObject();
    int width = golden.get("width").getAsInt();
    words = matrix("words", width);
    cached = matrix("keys", width);
    features = matrix("features", width);
    labels = ints("labels");
    truth = ints("truth");
  }

  private static float[] numbers(String name) {
    List<JsonElement> list = golden.getAsJsonArray(name).asList();
    float[] numbers = new float[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = list.get(i).getAsFloat();
    }
    return numbers;
  }

  private static float[][] matrix(String name, int width) {
    float[] numbers = numbers(name);
    float[][] rows = new float[numbers.length / width][width];
    for (int i = 0; i < numbers.length; i++) {
      rows[i / width][i % width] = numbers[i];
    }
    return rows;
  }

  private static int[] ints(String name) {
    return golden.getAsJsonArray(name).asList().stream().mapToInt(JsonElement::getAsInt).toArray();
  }

  private static void assertLogits(TipAdapter adapter, String name, float tolerance) {
    float[][] expected = matrix(name, words.length);
    for (int i = 0; i < features.length; i++) {
      assertThat(adapter.scores(features[i])).containsExactly(expected[i], within(tolerance));
    }
  }

  private static void assertSearched(TipAdapter adapter, String name) {
    TipAdapter found = adapter.searched(features, truth);
    JsonObject expected = golden.getAsJsonObject(name);
    assertThat(found.alpha()).isCloseTo(expected.get("alpha").getAsDouble(), within(1e-12));
    assertThat(found.beta()).isCloseTo(expected.get("beta").getAsDouble(), within(1e-12));
    assertThat(found.accuracy(features, truth).top1())
        .isCloseTo(expected.get("accuracy").getAsDouble(), within(1e-12));
  }

  @Test
  void logits_and_search_are_those_of_the_formula_in_pytorch() {
    TipAdapter adapter = TipAdapter.of(cached, labels, words);
    assertLogits(adapter, "logits", 3e-5f);
    assertLogits(adapter.with(2, 1), "logits_alpha_2_beta_1", 3e-5f);
    assertSearched(adapter, "searched");
  }

  @Test
  void the_trained_cache_is_that_of_pytorch() {
    TipAdapter adapter = TipAdapter.of(cached, labels, words);
    TipAdapter tuned = TipAdapterTraining.create().train(adapter, cached);
    float[][] expected = matrix("tuned_keys", cached[0].length);
    for (int i = 0; i < cached.length; i++) {
      assertThat(tuned.keys()[i]).containsExactly(expected[i], within(2e-6f));
    }
    assertLogits(tuned, "tuned_logits", 6e-5f);
    assertSearched(tuned, "tuned_searched");
    assertLogits(adapter, "logits", 3e-5f); // as it was
  }

  @Test
  void several_batches_train_too_and_the_seed_decides_their_order() {
    TipAdapter adapter = TipAdapter.of(cached, labels, words);
    TipAdapterTraining training = TipAdapterTraining.create().optBatchSize(6).optEpochs(2);
    float[][] first = training.train(adapter, cached).keys();
    assertThat(training.train(adapter, cached).keys()).isDeepEqualTo(first);
    assertThat(training.optSeed(1).train(adapter, cached).keys()).isNotEqualTo(first);
    assertThat(first).isNotEqualTo(adapter.keys());
  }

  @Test
  void a_cache_is_trained_at_the_rate_given() {
    TipAdapter adapter = TipAdapter.of(cached, labels, words);
    float[][] slow =
        TipAdapterTraining.create().optLearningRate(1e-9).train(adapter, cached).keys();
    for (int i = 0; i < cached.length; i++) {
      assertThat(slow[i]).containsExactly(adapter.keys()[i], within(1e-6f));
    }
  }

  @Test
  void without_the_cache_scores_are_cosines_times_the_logit_scale() {
    TipAdapter plain = TipAdapter.of(cached, labels, words).with(0, 1);
    float[] cosines = plain.withLogitScale(1).scores(features[0]);
    float[] scaled = plain.withLogitScale(30).scores(features[0]);
    for (int k = 0; k < cosines.length; k++) {
      assertThat(cosines[k]).isBetween(-1f, 1f).isNotZero();
      assertThat(scaled[k]).isCloseTo(30 * cosines[k], within(1e-4f));
    }
  }

  @Test
  void embeddings_of_any_length_are_scaled_to_one() {
    TipAdapter adapter = TipAdapter.of(cached, labels, words);
    float[] longer = features[0].clone();
    float[][] longerKeys = new float[cached.length][];
    for (int i = 0; i < longer.length; i++) {
      longer[i] *= 4;
    }
    for (int m = 0; m < cached.length; m++) {
      longerKeys[m] = cached[m].clone();
      for (int i = 0; i < longer.length; i++) {
        longerKeys[m][i] *= 8;
      }
    }
    assertThat(TipAdapter.of(longerKeys, labels, words).scores(longer))
        .containsExactly(adapter.scores(features[0]), within(1e-4f));
  }

  @Test
  void what_does_not_fit_is_refused() {
    assertThatThrownBy(() -> TipAdapter.of(new float[0][], new int[0], words))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cached");
    assertThatThrownBy(() -> TipAdapter.of(cached, labels, new float[5][7]))
        .hasMessageContaining("7 values")
        .hasMessageContaining("different models");
    TipAdapter adapter = TipAdapter.of(cached, labels, words);
    assertThatThrownBy(() -> adapter.with(-1, 1))
        .hasMessageContaining("alpha must be a number of at least 0");
    assertThatThrownBy(() -> adapter.with(1, Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> adapter.scores(new float[3])).hasMessageContaining("another model");
    assertThatThrownBy(() -> adapter.searched(new float[0][], new int[0]))
        .hasMessageContaining("validation");
    assertThatThrownBy(() -> TipAdapterTraining.create().train(adapter, features))
        .hasMessageContaining("40 examples");
  }

  @Test
  void the_few_shot_curve_has_both_adapters_beside_the_probe() {
    List<String> names = IntStream.range(0, words.length).mapToObj(k -> "class " + k).toList();
    FewShot.Result result =
        FewShot.create()
            .setTraining(cached, labels)
            .setTest(features, truth)
            .setClassNames(names)
            .optShots(1, 4)
            .optSeeds(2)
            .optClassWeights(words, TipAdapter.DEFAULT_LOGIT_SCALE)
            .run();
    FewShot.Adapters adapters = result.adapters();
    assertThat(adapters.runs()).hasSize(8);
    for (FewShotCurve curve : List.of(adapters.tip(), adapters.tipF())) {
      assertThat(curve.points()).extracting(FewShotCurve.Point::shots).containsExactly(1.0, 4.0);
      assertThat(curve.points().get(0).accuracies()).hasSize(2);
    }
    // All four shots are all there are: the draws are equal, and so is the adapter of them all.
    assertThat(adapters.tip().points().get(1).mean())
        .isEqualTo(TipAdapter.of(cached, labels, words).accuracy(features, truth).top1());
    assertThat(adapters.runs()).allMatch(run -> run.alpha() == TipAdapter.DEFAULT_ALPHA);
  }
}
