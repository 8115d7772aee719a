package org.clip4j.eval.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.modality.Classifications;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.ProbeEvaluation;
import org.clip4j.eval.internal.LabelledFeatures;
import org.clip4j.eval.probe.FewShotCurve.Crossing;
import org.clip4j.eval.probe.FewShotCurve.Point;
import org.clip4j.eval.probe.FewShotCurve.Side;
import org.clip4j.weights.safetensors.SafeTensors;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinearProbeTest {
  private static final List<String> NAMES = List.of("cat", "dog", "owl");

  @TempDir private Path folder;

  /** Three clouds in 6 dimensions that overlap somewhat. */
  private static float[][] clouds(int[] labels, long seed) {
    Random random = new Random(seed);
    float[][] features = new float[labels.length][6];
    for (int i = 0; i < labels.length; i++) {
      for (int d = 0; d < 6; d++) {
        features[i][d] = (float) random.nextGaussian() + (d == labels[i] ? 2 : 0);
      }
    }
    return features;
  }

  private static int[] labels(int n) {
    return IntStream.range(0, n).map(i -> i % 3).toArray();
  }

  @Test
  void the_sweep_tries_fifteen_strengths_and_ends_beside_the_peak() {
    List<Integer> tried = new ArrayList<>();
    int peak = 37; // 10^(-6 + 37 / 8)
    int found =
        StrengthSweep.search(
            step -> {
              tried.add(step);
              return step;
            },
            Comparator.comparingInt(step -> -Math.abs(step - peak)));
    assertThat(found).isEqualTo(peak);
    assertThat(tried).containsExactly(0, 16, 32, 48, 64, 80, 96, 24, 40, 36, 44, 34, 38, 35, 37);
    assertThat(StrengthSweep.c(0)).isEqualTo(1e-6);
    assertThat(StrengthSweep.c(48)).isEqualTo(1);
    assertThat(StrengthSweep.c(96)).isEqualTo(1e6);
  }

  @Test
  void a_peak_at_an_end_is_found_and_of_equals_the_strongest_penalty_wins() {
    Integer least =
        StrengthSweep.search(step -> step, Comparator.<Integer>naturalOrder().reversed());
    Integer most = StrengthSweep.search(step -> step, Comparator.<Integer>naturalOrder());
    Integer first = StrengthSweep.search(step -> step, Comparator.comparingInt(step -> 0));
    assertThat(least).isZero();
    assertThat(most).isEqualTo(96);
    assertThat(first).isZero();
  }

  @Test
  void a_split_takes_the_same_share_of_each_class() {
    int[] labels = {0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    LabelledDraw.Halves halves = LabelledDraw.split(labels, 3, 0.2, 7, k -> "class " + k);
    assertThat(LabelledFeatures.counts(labelsOf(labels, halves.first()), 3))
        .containsExactly(4, 1, 8);
    assertThat(LabelledFeatures.counts(labelsOf(labels, halves.second()), 3))
        .containsExactly(1, 1, 2);
    assertThat(IntStream.concat(IntStream.of(halves.first()), IntStream.of(halves.second())))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, labels.length).boxed().toList());
    assertThat(LabelledDraw.split(labels, 3, 0.2, 7, k -> "").second()).isEqualTo(halves.second());
    assertThat(LabelledDraw.split(labels, 3, 0.2, 8, k -> "").second())
        .isNotEqualTo(halves.second());
    assertThatThrownBy(() -> LabelledDraw.split(new int[] {0, 0, 1}, 2, 0.5, 0, k -> "class " + k))
        .hasMessageContaining("class 1 has a single example");
  }

  private static int[] labelsOf(int[] labels, int[] indices) {
    return IntStream.of(indices).map(i -> labels[i]).toArray();
  }

  @Test
  void shots_grow_by_adding() {
    int[] labels = labels(60);
    int[] two = LabelledDraw.shots(labels, 3, 2, 5);
    int[] four = LabelledDraw.shots(labels, 3, 4, 5);
    assertThat(LabelledFeatures.counts(labelsOf(labels, two), 3)).containsExactly(2, 2, 2);
    assertThat(LabelledFeatures.counts(labelsOf(labels, four), 3)).containsExactly(4, 4, 4);
    assertThat(four).contains(two);
    assertThat(LabelledDraw.shots(labels, 3, 2, 6)).isNotEqualTo(two);
  }

  @Test
  void the_best_strength_is_fitted_on_training_and_validation_together() {
    int[] labels = labels(90);
    int[] heldLabels = labels(30);
    float[][] features = clouds(labels, 1);
    float[][] held = clouds(heldLabels, 2);
    List<LinearProbe.Trial> heard = new ArrayList<>();
    LinearProbe probe =
        LinearProbe.builder()
            .setTraining(features, labels)
            .setClassNames(NAMES)
            .optValidation(held, heldLabels)
            .optListener(heard::add)
            .fit();
    assertThat(probe.trials()).hasSizeBetween(11, 15).containsExactlyInAnyOrderElementsOf(heard);
    double most = heard.stream().mapToDouble(LinearProbe.Trial::accuracy).max().orElseThrow();
    LogisticRegression.Fit fit = probe.fit().orElseThrow();
    assertThat(probe.trials())
        .filteredOn(trial -> trial.c() == fit.c())
        .singleElement()
        .satisfies(trial -> assertThat(trial.accuracy()).isEqualTo(most));
    LogisticRegression.Fit together =
        LogisticRegression.create()
            .optC(fit.c())
            .fit(
                IntStream.range(0, 120)
                    .mapToObj(i -> i < 90 ? features[i] : held[i - 90])
                    .toArray(float[][]::new),
                IntStream.concat(IntStream.of(labels), IntStream.of(heldLabels)).toArray(),
                3);
    assertThat(fit.objective()).isEqualTo(together.objective());
    assertThat(probe.accuracy(clouds(labels, 3), labels).top1()).isGreaterThan(0.75);
  }

  @Test
  void a_share_of_the_training_examples_validates_where_no_others_are_given() {
    int[] labels = labels(90);
    LinearProbe.Builder builder =
        LinearProbe.builder().setTraining(clouds(labels, 1), labels).setClassNames(NAMES);
    LinearProbe probe = builder.optSeed(4).fit();
    assertThat(probe.trials()).hasSizeBetween(11, 15);
    assertThat(builder.fit().fit().orElseThrow().objective())
        .isEqualTo(probe.fit().orElseThrow().objective());
    LinearProbe given = builder.optC(1).fit();
    assertThat(given.trials()).isEmpty();
    assertThat(given.fit().orElseThrow().c()).isEqualTo(1);
  }

  @Test
  void a_saved_probe_answers_as_before() throws IOException {
    int[] labels = labels(30);
    float[][] features = clouds(labels, 1);
    LinearProbe probe =
        LinearProbe.builder()
            .setTraining(features, labels)
            .setClassNames(List.of("cat", "a \"dog\"", "owl\n"))
            .optC(1)
            .fit();
    Path file = folder.resolve("probe.safetensors");
    probe.save(file);
    LinearProbe loaded = LinearProbe.load(file);
    assertThat(loaded.classNames()).isEqualTo(probe.classNames());
    assertThat(loaded.fit()).isEmpty();
    Classifications answer = loaded.classify(features[1]);
    assertThat(answer.getProbabilities()).isEqualTo(probe.classify(features[1]).getProbabilities());
    assertThat(answer.getProbabilities().stream().mapToDouble(p -> p).sum())
        .isCloseTo(1, within(1e-12));
    try (SafeTensors tensors = SafeTensors.open(file)) {
      assertThat(tensors.tensors().get("weight").shape()).containsExactly(3L, 6L);
      assertThat(tensors.tensors().get("bias").shape()).containsExactly(3L);
    }
  }

  @Test
  void a_file_that_is_no_probe_is_named() throws IOException {
    Path file = folder.resolve("other.safetensors");
    for (String names : List.of("[\"a\", \"b\"]", "3", "[{}]")) {
      try (SafeTensorsWriter writer =
          SafeTensorsWriter.create(
              file,
              List.of(new SafeTensorsWriter.Entry("weight", TensorType.F32, 3, 0)),
              Map.of("class_names", names))) {
        writer.write("weight", FloatBuffer.allocate(0));
        writer.commit();
      }
      assertThatThrownBy(() -> LinearProbe.load(file))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("other.safetensors");
    }
    Files.writeString(file, "nothing");
    assertThatThrownBy(() -> LinearProbe.load(file)).isInstanceOf(IOException.class);
  }

  @Test
  void metrics_are_scikit_learns() throws IOException {
    JsonObject peer = LogisticRegressionTest.peers().getAsJsonObject("metrics");
    int[] labels = LogisticRegressionTest.ints(peer.getAsJsonArray("labels"));
    float[][] scores = LogisticRegressionTest.rows(peer.getAsJsonArray("scores"), labels.length);
    ProbeAccuracy accuracy = ProbeAccuracy.of(scores, labels);
    assertThat(accuracy.examples()).isEqualTo(200);
    assertThat(accuracy.top1()).isCloseTo(peer.get("top1").getAsDouble(), within(1e-12));
    assertThat(accuracy.top5()).isCloseTo(peer.get("top5").getAsDouble(), within(1e-12));
    assertThat(accuracy.meanPerClass())
        .isCloseTo(peer.get("mean_per_class").getAsDouble(), within(1e-12));
  }

  @Test
  void accuracy_is_the_one_counted_by_hand() {
    float[][] scores = {
      {3, 2, 1, 0, 0, 0}, // class 0 first
      {3, 2, 1, 0, 0, 0}, // class 1 second
      {1, 1, 1, 1, 1, 1}, // a tie with all: last
      {6, 5, 4, 3, 2, 1}, // class 5 sixth
      {0, Float.NaN, 0, 0, 0, 0.1f}, // NaN counts as higher: second
    };
    ProbeAccuracy accuracy = ProbeAccuracy.of(scores, new int[] {0, 1, 0, 5, 5});
    assertThat(accuracy.top1()).isEqualTo(0.2);
    assertThat(accuracy.top5()).isEqualTo(0.6);
    assertThat(accuracy.meanPerClass()).isCloseTo((0.5 + 0 + 0) / 3, within(1e-12));
  }

  @Test
  void few_shots_are_fitted_on_what_was_drawn() {
    int[] labels = labels(120);
    float[][] features = clouds(labels, 1);
    int[] testLabels = labels(300);
    float[][] test = clouds(testLabels, 2);
    FewShot builder =
        FewShot.create()
            .setTraining(features, labels)
            .setTest(test, testLabels)
            .setClassNames(NAMES)
            .optShots(4, 1)
            .optSeeds(2)
            .optFull(true);
    FewShot.Result result = builder.run();
    assertThat(result.runs()).extracting(FewShot.Run::shots).containsExactly(1, 1, 4, 4, 0);
    assertThat(result.runs()).extracting(FewShot.Run::examples).containsExactly(3, 3, 12, 12, 120);
    assertThat(result.curve().points()).extracting(Point::shots).containsExactly(1.0, 4.0, 40.0);
    int[] drawn = LabelledDraw.shots(labels, 3, 4, 1);
    LogisticRegression.Fit fit =
        LogisticRegression.create()
            .optC(FewShot.DEFAULT_C)
            .fit(
                Arrays.stream(drawn).mapToObj(i -> features[i]).toArray(float[][]::new),
                labelsOf(labels, drawn),
                3);
    assertThat(result.runs().get(3).accuracy())
        .isEqualTo(ProbeAccuracy.of(fit.classifier().logits(test), testLabels));
    int[] heldLabels = labels(30);
    FewShot.Result swept = builder.optValidation(clouds(heldLabels, 3), heldLabels).run();
    assertThat(swept.runs()).extracting(FewShot.Run::c).isNotEqualTo(List.of(31.6));
    assertThat(swept.runs().get(0).examples()).isEqualTo(3); // validation is not fitted on
    FewShot.Result apart =
        FewShot.create()
            .setTraining(features, labels)
            .setTest(test, testLabels)
            .setClassNames(NAMES)
            .optShots(2)
            .optFull(true)
            .optValidationFraction(0.25, 1)
            .run();
    assertThat(apart.runs().get(3).examples()).isEqualTo(90); // of 120
  }

  @Test
  void few_shots_take_the_strength_and_the_iterations_that_are_set_and_tell_of_each_fit() {
    int[] labels = labels(60);
    List<FewShot.Run> heard = new ArrayList<>();
    FewShot builder =
        FewShot.create()
            .setTraining(clouds(labels, 1), labels)
            .setTest(clouds(labels, 2), labels)
            .setClassNames(NAMES)
            .optShots(5)
            .optC(0.001)
            .optListener(heard::add);
    FewShot.Result weak = builder.run();
    assertThat(weak.runs()).extracting(FewShot.Run::c).containsOnly(0.001);
    assertThat(weak.runs()).allMatch(FewShot.Run::converged);
    assertThat(heard).isEqualTo(weak.runs()).hasSize(3);
    assertThat(builder.optC(100).optMaxIterations(1).run().runs())
        .noneMatch(FewShot.Run::converged)
        .extracting(FewShot.Run::c)
        .containsOnly(100.0);
  }

  @Test
  void the_fraction_that_validates_is_the_one_that_is_set() {
    int[] labels = labels(90);
    float[][] features = clouds(labels, 1);
    LinearProbe.Builder builder =
        LinearProbe.builder().setTraining(features, labels).setClassNames(NAMES);
    LinearProbe probe = builder.optValidationFraction(0.4).optSeed(4).fit();
    LabelledDraw.Halves halves = LabelledDraw.split(labels, 3, 0.4, 4, k -> "class " + k);
    assertThat(halves.second()).hasSize(36);
    LabelledFeatures all = LabelledFeatures.check("training", features, labels, 3);
    LabelledFeatures given = all.select(halves.first());
    LabelledFeatures held = all.select(halves.second());
    LinearProbe apart =
        LinearProbe.builder()
            .setTraining(given.features(), given.labels())
            .optValidation(held.features(), held.labels())
            .setClassNames(NAMES)
            .fit();
    assertThat(probe.trials())
        .extracting(LinearProbe.Trial::loss)
        .containsExactlyElementsOf(apart.trials().stream().map(LinearProbe.Trial::loss).toList());
  }

  @Test
  void a_fit_ends_after_the_iterations_that_are_set() {
    int[] labels = labels(90);
    LinearProbe.Builder builder =
        LinearProbe.builder().setTraining(clouds(labels, 1), labels).setClassNames(NAMES).optC(1);
    assertThat(builder.fit().fit().orElseThrow().converged()).isTrue();
    LogisticRegression.Fit ended = builder.optMaxIterations(2).fit().fit().orElseThrow();
    assertThat(ended.converged()).isFalse();
    assertThat(ended.iterations()).isEqualTo(2);
  }

  @Test
  void a_probe_is_measured_beside_a_zero_shot_classifier() {
    float[][] weights = {{1, 0}, {0, 1}};
    LinearProbe probe =
        LinearProbe.builder()
            .setTraining(new float[][] {{0, 1}, {1, 0}}, new int[] {0, 1}) // the wrong way round
            .setClassNames(List.of("cat", "dog"))
            .optC(1)
            .fit();
    float[][] test = {{1, 0}, {0.9f, 0.1f}, {0, 1}, {0.8f, 0.2f}};
    int[] labels = {0, 0, 1, 1};
    ProbeEvaluation both =
        ProbeEvaluation.of(
            test, labels, 2, probe.classifier(), EmbeddingClassifier.cosine(weights), 0);
    assertThat(both.zeroShot().top1().value()).isEqualTo(0.75);
    assertThat(both.probe().top1().value()).isEqualTo(0.25);
    assertThat(both.zeroShotLessProbe().value()).isEqualTo(0.5);
    assertThat(both.zeroShotLessProbe().low()).isLessThan(0.5);
    assertThat(both.probe().confusion()).isDeepEqualTo(new long[][] {{0, 2}, {1, 1}});
    ProbeEvaluation alone = ProbeEvaluation.of(test, labels, 2, probe.classifier(), null, 0);
    assertThat(alone.probe().top1()).isEqualTo(both.probe().top1());
    assertThat(alone.zeroShot()).isNull();
  }

  @Test
  void a_class_with_fewer_examples_than_shots_is_an_error_unless_allowed() {
    int[] labels = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2};
    float[][] features = clouds(labels, 1);
    FewShot builder =
        FewShot.create()
            .setTraining(features, labels)
            .setTest(features, labels)
            .setClassNames(NAMES)
            .optShots(4)
            .optSeeds(1);
    assertThatThrownBy(builder::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("class 2 (owl) has 2 training examples to draw from, and 4 shots");
    assertThat(builder.optFewer(true).run().runs().get(0).examples()).isEqualTo(10);
  }

  @Test
  void the_crossing_lies_on_a_line_over_the_logarithm_of_the_shots() {
    FewShotCurve curve =
        new FewShotCurve(
            List.of(
                new Point(1, List.of(0.2, 0.4)),
                new Point(2, List.of(0.5)),
                new Point(4, List.of(0.4)),
                new Point(16, List.of(0.8))));
    assertThat(curve.points().get(0).mean()).isCloseTo(0.3, within(1e-12));
    // Of 0.2 and 0.4: the root of (0.01 + 0.01) / 1.
    assertThat(curve.points().get(0).standardDeviation()).isCloseTo(0.1414214, within(1e-6));
    assertThat(curve.crossing(0.1)).isEqualTo(new Crossing(Side.FEWER, 1));
    assertThat(curve.crossing(0.4).shots()).isCloseTo(Math.sqrt(2), within(1e-9));
    assertThat(curve.crossing(0.5)).isEqualTo(new Crossing(Side.EQUAL, 2));
    // From 0.4 at 4 to 0.8 at 16: half-way is 8.
    assertThat(curve.crossing(0.6).shots()).isCloseTo(8, within(1e-9));
    assertThat(curve.crossing(0.9)).isEqualTo(new Crossing(Side.MORE, 16));
    assertThat(curve.crossing(0.6)).hasToString("an 8-shot probe");
    assertThat(curve.crossing(0.4)).hasToString("a 1.4-shot probe");
    assertThat(curve.crossing(0.1)).hasToString("less than a 1-shot probe");
    assertThat(curve.crossing(0.9)).hasToString("more than a 16-shot probe");
  }

  @Test
  void a_flat_curve_crosses_where_it_begins() {
    FewShotCurve flat =
        new FewShotCurve(List.of(new Point(1, List.of(0.5)), new Point(2, List.of(0.5))));
    assertThat(flat.crossing(0.5)).isEqualTo(new Crossing(Side.EQUAL, 1));
  }

  @Test
  void bad_input_is_named() {
    int[] labels = labels(9);
    float[][] features = clouds(labels, 1);
    assertThatThrownBy(
            () ->
                LinearProbe.builder()
                    .setTraining(features, new int[9])
                    .setClassNames(List.of("cat"))
                    .fit())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 2 classes");
    assertThatThrownBy(
            () ->
                LinearProbe.builder()
                    .setTraining(features, new int[9])
                    .setClassNames(List.of("cat", "dog"))
                    .fit())
        .hasMessageContaining("class 1 (dog) has no training example");
    LinearProbe probe =
        LinearProbe.builder().setTraining(features, labels).setClassNames(NAMES).optC(1).fit();
    assertThatThrownBy(() -> probe.classify(new float[5]))
        .hasMessageContaining("made of 6 features, found 5");
    assertThatThrownBy(() -> probe.accuracy(features, new int[] {0}))
        .hasMessageContaining("9 vectors and 1 labels");
  }

  @Test
  void too_few_examples_are_told_before_anything_is_fitted() {
    FewShot builder = FewShot.create().setClassNames(List.of("a", "b")).optShots(4);
    builder.check(new int[] {0, 0, 0, 0, 1, 1, 1, 1});
    assertThatThrownBy(() -> builder.check(new int[] {0, 0, 0, 0, 1, 1, 1}))
        .hasMessageContainingAll("class 1 (b)", "3 training examples", "4 shots");
    builder.optValidationFraction(0.25, 0); // one of four is set apart
    assertThatThrownBy(() -> builder.check(new int[] {0, 0, 0, 0, 1, 1, 1, 1}))
        .hasMessageContainingAll("3 training examples", "4 shots");
    builder.optFewer(true).check(new int[] {0, 0, 0, 0, 1, 1, 1, 1});
  }
}
