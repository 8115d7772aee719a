package org.clip4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.Gson;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.DoubleStream;
import org.clip4j.encode.ImageSource;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Answers, on golden models with and without a sigmoid. */
class ZeroShotClassifierTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path IMAGE = GOLDEN.resolve("preprocess/rgb.png");
  private static final List<Path> IMAGES =
      List.of(
          IMAGE,
          GOLDEN.resolve("preprocess/gray.png"),
          GOLDEN.resolve("preprocess/baseline.jpg"),
          GOLDEN.resolve("preprocess/square-224.png"),
          GOLDEN.resolve("preprocess/palette.png"),
          GOLDEN.resolve("preprocess/lossless.webp"));

  /** What {@code examples/peers/make_zero_shot.py} writes. */
  private record Golden(Map<String, int[]> texts, List<Case> cases) {}

  private record Case(String model, List<String> images, double[][] sigmoid, double[][] softmax) {}

  private static Golden golden;
  private static Clip clip;
  private static Clip sigLip;

  @BeforeAll
  static void load() throws IOException {
    try (Reader in =
        new InputStreamReader(
            ZeroShotClassifierTest.class.getResourceAsStream("/zero-shot.json"),
            StandardCharsets.UTF_8)) {
      golden = new Gson().fromJson(in, Golden.class);
    }
    clip = Clip.load(GOLDEN.resolve("hf-clip"));
    sigLip = open("hf-siglip");
  }

  @AfterAll
  static void close() {
    clip.close();
    sigLip.close();
  }

  /** A golden SigLIP model with a tokenizer of three words, and one id for all other texts. */
  private static Clip open(String model) throws IOException {
    Tokenizer tokenizer =
        new Tokenizer() {
          @Override
          public int contextLength() {
            return 16;
          }

          @Override
          public int padId() {
            return 1;
          }

          @Override
          public int[] encode(String text) {
            return golden.texts.getOrDefault(text, new int[] {2});
          }
        };
    try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve(model))) {
      return Clip.of(
          ClipModel.load(checkpoint.config(), checkpoint.parameters()),
          checkpoint.transform(),
          tokenizer);
    }
  }

  private static ZeroShotClassifier.Builder pets(Clip model) {
    return model.zeroShot("cat", "dog", "boat").optTemplates("{}");
  }

  private static double logistic(double logit) {
    return 1 / (1 + Math.exp(-logit));
  }

  private static double[] probabilities(ZeroShotAnswer answer) {
    return answer.scores().stream().mapToDouble(LabelScore::probability).toArray();
  }

  // ---- probabilities ----

  @Test
  void sigmoid_models_give_the_probabilities_of_transformers_and_open_clip() throws IOException {
    assertThat(golden.cases).hasSize(2);
    for (Case one : golden.cases) {
      try (Clip model = open(one.model)) {
        ZeroShotClassifier own = pets(model).build();
        ZeroShotClassifier softmax = pets(model).optProbabilities(Probabilities.SOFTMAX).build();
        assertThat(own.probabilities()).isEqualTo(Probabilities.SIGMOID);
        for (int i = 0; i < one.images.size(); i++) {
          Path image = GOLDEN.resolve("preprocess").resolve(one.images.get(i));
          String name = one.model + " " + image;
          double[] expected = one.sigmoid[i];
          assertThat(probabilities(own.answer(image)))
              .as(name)
              .containsExactly(expected, within(1e-5));
          assertThat(own.classify(image).getProbabilities())
              .as(name)
              .isEqualTo(DoubleStream.of(probabilities(own.answer(image))).boxed().toList());
          assertThat(probabilities(softmax.answer(image)))
              .as(name)
              .containsExactly(one.softmax[i], within(1e-5));
        }
      }
    }
  }

  @Test
  void a_single_label_of_a_sigmoid_model_is_yes_or_no() {
    double probability = golden.cases.get(0).sigmoid[0][2];
    ZeroShotClassifier.Builder builder = sigLip.zeroShot("boat").optTemplates("{}");
    ZeroShotAnswer no = builder.build().answer(IMAGE);
    assertThat(no.best().probability()).isCloseTo(probability, within(1e-5));
    assertThat(no.labels()).isEmpty();
    assertThat(no.isUnknown()).isTrue();
    ZeroShotAnswer yes = builder.optThreshold(0.05).build().answer(IMAGE);
    assertThat(yes.labels()).containsExactly("boat");
    assertThat(yes.isUnknown()).isFalse();
  }

  @Test
  void clip_models_keep_their_softmax_and_give_a_sigmoid_when_asked() {
    float[] image = clip.encodeImage(IMAGE);
    ZeroShotClassifier softmax = pets(clip).build();
    assertThat(softmax.probabilities()).isEqualTo(Probabilities.SOFTMAX);
    assertThat(DoubleStream.of(probabilities(softmax.answer(image))).sum())
        .isCloseTo(1, within(1e-12));
    ZeroShotAnswer answer =
        pets(clip).optProbabilities(Probabilities.SIGMOID).build().answer(image);
    for (LabelScore score : answer.scores()) {
      double cosine = Clip.cosine(image, clip.encodeText(score.label()));
      assertThat(score.cosine()).isCloseTo(cosine, within(1e-6));
      assertThat(score.probability()).isCloseTo(logistic(clip.logitScale() * cosine), within(1e-4));
    }
  }

  @Test
  void an_answer_has_every_label_with_probability_and_cosine() {
    ZeroShotAnswer answer = pets(clip).build().answer(IMAGE);
    assertThat(answer.scores()).extracting(LabelScore::label).containsExactly("cat", "dog", "boat");
    assertThat(answer.labels()).containsExactly(answer.best().label());
    assertThat(answer.score("dog")).isEqualTo(answer.scores().get(1));
    assertThat(answer.top(2)).hasSize(2).first().isEqualTo(answer.best());
    assertThat(answer.top(9))
        .hasSize(3)
        .isSortedAccordingTo((a, b) -> Double.compare(b.probability(), a.probability()));
    List<ZeroShotAnswer> all = pets(clip).build().answer(IMAGES);
    assertThat(all).hasSize(6);
    assertThat(probabilities(all.get(0)))
        .containsExactly(probabilities(answer), within(1e-5)); // batches round otherwise
    assertThatIllegalArgumentException()
        .isThrownBy(() -> answer.score("bird"))
        .withMessageContaining("\"bird\"")
        .withMessageContaining("cat, dog, boat");
  }

  // ---- multi-label ----

  @Test
  void labels_of_clip_models_are_judged_against_the_nearest_background_prompt() {
    float[] image = clip.encodeImage(IMAGE);
    ZeroShotAnswer answer =
        pets(clip)
            .optMultiLabel()
            .optBackgroundPrompts("a photo", "a texture")
            .build()
            .answer(image);
    double background =
        Math.max(
            Clip.cosine(image, clip.encodeText("a photo")),
            Clip.cosine(image, clip.encodeText("a texture")));
    for (LabelScore score : answer.scores()) {
      double margin = score.cosine() - background;
      assertThat(score.probability()).isCloseTo(logistic(clip.logitScale() * margin), within(1e-4));
      assertThat(answer.labels().contains(score.label())).isEqualTo(margin >= 0);
    }
  }

  @Test
  void labels_of_sigmoid_models_are_judged_by_their_own_probabilities() {
    ZeroShotClassifier tags =
        pets(sigLip).optMultiLabel().optThreshold(0.035).optThreshold("boat", 0.9).build();
    assertThat(tags.thresholds()).isEqualTo(Map.of("cat", 0.035, "dog", 0.035, "boat", 0.9));
    assertThat(tags.answer(IMAGE).labels()).containsExactly("dog"); // 0.0319, 0.0378, 0.0507
    ZeroShotClassifier more = tags.withThresholds(Map.of("boat", 0.05));
    assertThat(more.answer(IMAGE).labels()).containsExactly("boat", "dog");
    assertThat(tags.thresholds()).containsEntry("boat", 0.9);
  }

  @Test
  void thresholds_are_fitted_to_the_best_f1() {
    ZeroShotClassifier tags = pets(sigLip).optMultiLabel().build();
    List<Set<String>> shown =
        List.of(
            Set.of("cat"),
            Set.of("cat", "dog"),
            Set.of(),
            Set.of("dog"),
            Set.of("cat"),
            Set.of("boat"));
    List<LabelledExample> examples = new ArrayList<>();
    for (int i = 0; i < shown.size(); i++) {
      examples.add(new LabelledExample(ImageSource.of(IMAGES.get(i)), shown.get(i)));
    }
    List<LabelThreshold> fitted = tags.fitThresholds(examples);
    assertThat(fitted).extracting(LabelThreshold::label).containsExactly("cat", "dog", "boat");
    List<ZeroShotAnswer> answers = tags.answer(IMAGES);
    for (LabelThreshold each : fitted) {
      double best = 0;
      for (ZeroShotAnswer from : answers) {
        best =
            Math.max(
                best, f1(each.label(), from.score(each.label()).probability(), answers, shown));
      }
      assertThat(each.f1()).isCloseTo(best, within(1e-12));
      assertThat(f1(each.label(), each.threshold(), answers, shown)).isCloseTo(best, within(1e-12));
      assertThat(each.f1())
          .isCloseTo(
              2 * each.precision() * each.recall() / (each.precision() + each.recall()),
              within(1e-12));
      assertThat(each.positives() + each.negatives()).isEqualTo(6);
    }
    assertThat(fitted.get(0).positives()).isEqualTo(3);
    ZeroShotClassifier with = tags.withThresholds(fitted);
    assertThat(with.thresholds()).containsEntry("dog", fitted.get(1).threshold());
    assertThat(with.answer(IMAGES.get(5)).labels()).contains("boat");
  }

  private static double f1(
      String label, double threshold, List<ZeroShotAnswer> answers, List<Set<String>> shown) {
    int right = 0;
    int accepted = 0;
    int positives = 0;
    for (int i = 0; i < answers.size(); i++) {
      boolean given = answers.get(i).score(label).probability() >= threshold;
      boolean own = shown.get(i).contains(label);
      accepted += given ? 1 : 0;
      positives += own ? 1 : 0;
      right += given && own ? 1 : 0;
    }
    return 2.0 * right / (accepted + positives);
  }

  // ---- none of these ----

  @Test
  void an_unknown_image_has_no_label_and_says_by_which_numbers() {
    ZeroShotClassifier plain = pets(clip).build();
    double[] values = DoubleStream.of(probabilities(plain.answer(IMAGE))).sorted().toArray();
    double margin = values[2] - values[1];
    double entropy =
        1 + DoubleStream.of(values).map(p -> p * Math.log(p)).sum() / Math.log(values.length);
    float[] image = clip.encodeImage(IMAGE);
    double background =
        logistic(
            clip.logitScale()
                * (plain.answer(image).best().cosine()
                    - Clip.cosine(image, clip.encodeText("a photo"))));
    Map<UnknownRule.Score, Double> expected =
        Map.of(
            UnknownRule.Score.MARGIN, margin,
            UnknownRule.Score.ENTROPY, entropy,
            UnknownRule.Score.BACKGROUND, background);
    expected.forEach(
        (score, value) -> {
          UnknownRule strict = new UnknownRule(score, value + 1e-3);
          ZeroShotAnswer unknown = pets(clip).optUnknown(strict).build().answer(IMAGE);
          assertThat(unknown.unknownCheck().score()).isCloseTo(value, within(1e-4));
          assertThat(unknown.unknownCheck().rule()).isEqualTo(strict);
          assertThat(unknown.isUnknown()).isTrue();
          assertThat(unknown.labels()).isEmpty();
          assertThat(unknown.best()).isEqualTo(plain.answer(IMAGE).best());
          ZeroShotAnswer known =
              plain.withUnknown(new UnknownRule(score, value - 1e-3)).answer(IMAGE);
          assertThat(known.isUnknown()).isFalse();
          assertThat(known.labels()).containsExactly(plain.answer(IMAGE).best().label());
        });
    assertThat(plain.answer(IMAGE).unknownCheck()).isNull();
    assertThat(UnknownRule.background(0.25))
        .isEqualTo(new UnknownRule(UnknownRule.Score.BACKGROUND, 0.25));
  }

  @Test
  void a_rule_is_fitted_to_a_false_accept_rate() {
    ZeroShotClassifier plain = pets(clip).build();
    List<LabelledExample> heldOut = new ArrayList<>();
    for (int i = 0; i < IMAGES.size(); i++) {
      heldOut.add(
          i < 2 ? LabelledExample.of(IMAGES.get(i), "cat") : LabelledExample.of(IMAGES.get(i)));
    }
    for (UnknownRule.Score score : UnknownRule.Score.values()) {
      for (double rate : new double[] {0, 0.25, 0.5, 0.75}) {
        UnknownFit fit = plain.fitUnknown(score, heldOut, rate);
        List<ZeroShotAnswer> answers = plain.withUnknown(fit.rule()).answer(IMAGES);
        long accepted = answers.subList(2, 6).stream().filter(each -> !each.isUnknown()).count();
        long right = answers.subList(0, 2).stream().filter(each -> !each.isUnknown()).count();
        assertThat(accepted / 4.0).isEqualTo(fit.falseAcceptRate()).isEqualTo(rate);
        assertThat(right / 2.0).isEqualTo(fit.trueAcceptRate());
        assertThat(fit.known()).isEqualTo(2);
        assertThat(fit.unknown()).isEqualTo(4);
        assertThat(fit.auroc()).isBetween(0.0, 1.0);
      }
    }
  }

  // ---- what makes no sense ----

  @Test
  void thresholds_and_rules_that_make_no_sense_are_errors() {
    for (double wrong : new double[] {-0.1, 1.1, Double.NaN}) {
      String found = Double.toString(wrong);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> pets(clip).optThreshold(wrong))
          .withMessageContaining(found);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> pets(clip).optThreshold("dog", wrong))
          .withMessageContaining("\"dog\"")
          .withMessageContaining(found);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> UnknownRule.margin(wrong))
          .withMessageContaining("margin")
          .withMessageContaining(found);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> pets(clip).optThreshold("bird", 0.5))
        .withMessageContaining("\"bird\"")
        .withMessageContaining("cat, dog, boat");
    assertThatThrownBy(() -> pets(clip).optThreshold(0.5).build())
        .hasMessageContaining("optMultiLabel");
    assertThatThrownBy(() -> pets(clip).build().withThresholds(Map.of("cat", 0.5)))
        .hasMessageContaining("optMultiLabel");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> pets(clip).optMultiLabel().optProbabilities(Probabilities.SOFTMAX).build())
        .withMessageContaining("softmax");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> pets(clip).optMultiLabel().optUnknown(UnknownRule.margin(0.1)).build())
        .withMessageContaining("no rule");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> clip.zeroShot("cat").optUnknown(UnknownRule.entropy(0.1)).build())
        .withMessageContaining("single label");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> pets(clip).optBackgroundPrompts())
        .withMessageContaining("at least one background prompt");
    ZeroShotClassifier unknown = pets(clip).optUnknown(UnknownRule.margin(0.1)).build();
    assertThatThrownBy(() -> unknown.classify(IMAGE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("unknown");
  }

  @Test
  void examples_that_say_nothing_are_errors() {
    ZeroShotClassifier tags = pets(clip).optMultiLabel().build();
    LabelledExample cat = LabelledExample.of(IMAGE, "cat");
    LabelledExample none = LabelledExample.of(IMAGE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tags.fitThresholds(List.of(cat, none)))
        .withMessageContaining("no example shows \"dog\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tags.fitThresholds(List.of(cat)))
        .withMessageContaining("every example shows \"cat\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tags.fitThresholds(List.of(LabelledExample.of(IMAGE, "bird"))))
        .withMessageContaining("\"bird\"");
    ZeroShotClassifier plain = pets(clip).build();
    assertThatThrownBy(() -> plain.fitThresholds(List.of(cat, none)))
        .hasMessageContaining("optMultiLabel");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.fitUnknown(UnknownRule.Score.MARGIN, List.of(cat), 0.1))
        .withMessageContaining("every example shows one of the labels");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.fitUnknown(UnknownRule.Score.MARGIN, List.of(), 0.1))
        .withMessageContaining("no example");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> plain.fitUnknown(UnknownRule.Score.MARGIN, List.of(cat, none), 1))
        .withMessageContaining("false-accept rate");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> tags.fitThresholds(new float[1][clip.embedDim()], List.of()))
        .withMessageContaining("1 images and the labels of 0");
  }
}
