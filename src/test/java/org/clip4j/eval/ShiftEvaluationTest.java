package org.clip4j.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.data.CorruptedImage;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.data.shapes.ShapeStyle;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.ShiftEvaluation.Result;
import org.clip4j.eval.ShiftEvaluation.Row;
import org.clip4j.eval.probe.ProbeBaselines;
import org.clip4j.image.Corruption;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VitConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ShiftEvaluationTest {
  private static final ColouredShapes SHAPES = ColouredShapes.builder().optImageSize(32).build();
  private static ClipModel model;
  private static Encoder encoder;

  @BeforeAll
  static void create() {
    VitConfig vision =
        VitConfig.builder()
            .setImageSize(32)
            .setPatchSize(8)
            .setWidth(32)
            .setLayers(1)
            .optHeadWidth(16)
            .build();
    TextConfig text =
        TextConfig.builder()
            .setContextLength(16)
            .setVocabSize(100)
            .setWidth(16)
            .setHeads(1)
            .setLayers(1)
            .build();
    model = ClipModel.create(new ClipConfig(16, vision, text, false), 3);
    encoder = new Encoder(model, ImageTransform.openai(32, 32), null);
  }

  @AfterAll
  static void close() {
    encoder.close();
    model.close();
  }

  private static LabelledImages shapes(ShapeStyle style) {
    return LabelledImages.of(style.name(), SHAPES.labels(), SHAPES.seenTest(1, style));
  }

  /** Always the same class. */
  private static EmbeddingClassifier constant(int answer) {
    return embedding -> {
      float[] scores = new float[64];
      scores[answer] = 1;
      return scores;
    };
  }

  /** The class whose own plain image is the most like the image. */
  private static EmbeddingClassifier nearest() {
    float[][] classes = new float[64][16];
    for (LabelledImage each : SHAPES.seenTest(1)) {
      classes[each.label()] = encoder.encodeImages(List.of(each.image()))[0];
    }
    return EmbeddingClassifier.cosine(classes);
  }

  private static ShiftEvaluation evaluation() {
    LabelledImages source = shapes(ShapeStyle.PLAIN);
    return ShiftEvaluation.of(source, ClassNames.fromLabels(source.labels()))
        .setClassifier("nearest", nearest())
        .setClassifier("constant", constant(3))
        .optResamples(20);
  }

  @Test
  void each_corruption_and_severity_and_each_set_of_ones_own_is_measured() {
    List<Long> progress = new ArrayList<>();
    ShiftEvaluation evaluation =
        evaluation()
            .optCorruptions(5)
            .optShift("outline", shapes(ShapeStyle.OUTLINE))
            .optProgress(progress::add);
    Result result = evaluation.run(encoder);

    assertThat(evaluation.images()).isEqualTo(48 * 32);
    assertThat(progress).hasSize(32).endsWith(48L * 32);
    assertThat(result.shifts())
        .containsExactly("blur", "noise", "JPEG", "contrast", "grayscale", "occlusion", "outline");
    assertThat(result.rows()).hasSize(31);
    assertThat(result.source().top1().get(0).value()).isEqualTo(1);
    // One image of class 3 among 48, whatever is done to it.
    assertThat(result.rows())
        .allSatisfy(row -> assertThat(row.top1().get(1).value()).isEqualTo(1 / 48.0));
    assertThat(result.mean("outline", 0)).isLessThan(1);
    double blur =
        result.rows().stream()
            .filter(row -> row.shift().equals("blur"))
            .mapToDouble(row -> row.top1().get(0).value())
            .average()
            .orElseThrow();
    assertThat(result.mean("blur", 0)).isEqualTo(blur);
    // Seven shifts count once each, whether they have severities or not.
    double all = 0;
    for (String shift : result.shifts()) {
      all += result.mean(shift, 0) / 7;
    }
    assertThat(result.mean(0)).isCloseTo(all, within(1e-12));
  }

  @Test
  void the_seed_moves_intervals_and_no_accuracy() {
    LabelledImages outline = shapes(ShapeStyle.OUTLINE);
    Interval first = evaluation().optShift("a", outline).run(encoder).rows().get(0).top1().get(0);
    Interval other =
        evaluation().optSeed(1).optShift("a", outline).run(encoder).rows().get(0).top1().get(0);
    assertThat(other.value()).isEqualTo(first.value());
    assertThat(other).isNotEqualTo(first);
  }

  @Test
  void a_row_is_what_measuring_that_set_alone_gives() {
    Row row = evaluation().optCorruptions(5).run(encoder).rows().get(7); // noise 3
    EmbeddingClassifier classifier = nearest();
    int right = 0;
    for (LabelledImage each : SHAPES.seenTest(1)) {
      ImageSource noisy = new CorruptedImage(each.image(), Corruption.NOISE, 3, 5);
      float[] scores = classifier.scores(encoder.encodeImages(List.of(noisy))[0]);
      right += Answers.rank(scores, each.label()) == 0 ? 1 : 0;
    }
    assertThat(row.shift() + " " + row.severity()).isEqualTo("noise 3");
    assertThat(row.top1().get(0).value()).isEqualTo(right / 48.0);
  }

  @Test
  void a_shifted_set_may_have_some_of_the_labels_in_any_order() {
    List<LabelledImage> plain = SHAPES.seenTest(1);
    List<String> two = List.of(label(plain.get(40)), label(plain.get(7)));
    LabelledImages some =
        LabelledImages.of(
            "some",
            two,
            List.of(
                new LabelledImage(plain.get(40).image(), 0),
                new LabelledImage(plain.get(7).image(), 1)));
    Result result = evaluation().optShift("some", some).run(encoder);
    assertThat(result.rows().get(0).top1().get(0).value()).isEqualTo(1);
  }

  private static String label(LabelledImage image) {
    return SHAPES.labels().get(image.label());
  }

  @Test
  void a_label_that_the_source_has_not_is_named_before_anything_is_read() {
    ImageSource unread =
        new ImageSource() {
          @Override
          public String name() {
            return "a.png";
          }

          @Override
          public RgbImage read() throws IOException {
            throw new IOException("must not be read");
          }
        };
    LabelledImages other =
        LabelledImages.of("other", List.of("white whale"), List.of(new LabelledImage(unread, 0)));
    assertThatThrownBy(() -> evaluation().optShift("other", other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("other has the label \"white whale\"", "PLAIN has not");
  }

  @Test
  void probes_on_more_images_are_baselines_for_robustness() {
    List<LabelledImage> images =
        SHAPES.seenTest(6).stream().filter(each -> each.label() < 6).toList();
    Set<Integer> present = new LinkedHashSet<>();
    images.forEach(each -> present.add(each.label()));
    List<Integer> classes = List.copyOf(present); // some combinations are held out
    float[][] features = encoder.encodeImages(images.stream().map(LabelledImage::image).toList());
    int[] labels = images.stream().mapToInt(each -> classes.indexOf(each.label())).toArray();
    int[] shots = ProbeBaselines.shots(labels, classes.size());
    assertThat(shots).containsExactly(1, 2, 4);
    Map<String, EmbeddingClassifier> probes =
        ProbeBaselines.fit(features, labels, classes.size(), shots, 2);
    assertThat(probes.keySet())
        .containsExactly(
            "1-shot probe 0",
            "1-shot probe 1",
            "2-shot probe 0",
            "2-shot probe 1",
            "4-shot probe 0",
            "4-shot probe 1");
    assertThat(probes.get("4-shot probe 1").scores(features[0])).hasSize(classes.size());
    assertThatThrownBy(() -> ProbeBaselines.fit(features, labels, classes.size(), new int[] {7}, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("a probe of 7 shots", "one class has 6");
  }

  @Test
  void robustness_is_fitted_to_the_classifiers_named() {
    Row source = row("source", 0, 0.5, 0.6, 0.7, 0.8);
    Result result =
        new Result(
            List.of("zero-shot", "a", "b", "c"),
            source,
            List.of(
                row("blur", 1, 0.5, 0.5, 0.6, 0.7),
                row("blur", 2, 0.3, 0.3, 0.4, 0.5),
                row("other", 0, 0.6, 0.2, 0.3, 0.4)));
    assertThat(result.mean("blur", 0)).isCloseTo(0.4, within(1e-12));
    assertThat(result.point("blur", 3))
        .isEqualTo(new EffectiveRobustness.Point("c", 0.8, result.mean("blur", 3)));
    assertThat(result.mean(0)).isCloseTo(0.5, within(1e-12));
    EffectiveRobustness fit = result.robustness("other", Set.of("a", "b", "c"));
    assertThat(fit.baselines())
        .extracting(EffectiveRobustness.Point::name)
        .containsExactly("a", "b", "c");
    assertThat(fit.images()).isEqualTo(10);
    assertThat(fit.of(result.point("other", 0))).isPositive();
  }

  private static Row row(String shift, int severity, double... top1) {
    List<Interval> intervals =
        Arrays.stream(top1).mapToObj(value -> new Interval(value, value, value)).toList();
    return new Row(shift, severity, severity == 0 ? 10 : 20, 0, intervals, intervals);
  }
}
