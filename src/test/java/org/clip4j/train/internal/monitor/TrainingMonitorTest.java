package org.clip4j.train.internal.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.imageio.ImageIO;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.eval.Evaluation;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.RunSummary;
import org.clip4j.train.monitor.TrainingDivergedException;
import org.clip4j.train.monitor.TrainingListener;
import org.clip4j.train.monitor.TrainingProgress;
import org.clip4j.weights.Checkpoint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a real training shows of itself. */
class TrainingMonitorTest {
  private static final ClipConfig CONFIG = SmallTraining.WORDS;
  private static final ColouredShapes SHAPES = ColouredShapes.builder().optImageSize(32).build();

  @TempDir Path folder;

  private ClipTrainer.Builder trainer(ClipModel model) {
    return ClipTrainer.builder()
        .setModel(model)
        .setPairs(SHAPES.training(64))
        .setOutput(folder)
        .optBatchSize(16)
        .optSteps(8)
        .optSchedule(schedule -> schedule.optLearningRate(1e-3))
        .optSeed(7);
  }

  private List<JsonObject> metrics() throws IOException {
    return Files.readAllLines(folder.resolve("metrics.jsonl")).stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .toList();
  }

  private List<JsonObject> metrics(String type) throws IOException {
    return metrics().stream().filter(line -> line.get("type").getAsString().equals(type)).toList();
  }

  /** One caption for all images. */
  private static PairSource sameCaption(int count) {
    PairSource shapes = SHAPES.training(count);
    return Pairs.of(
        "pairs", count, i -> new ImageTextPair(shapes.get(i).image(), List.of("a <shape> & more")));
  }

  @Test
  void a_run_leaves_metrics_tensorboard_files_and_a_report() throws IOException {
    TrainingResult result;
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      result =
          trainer(model)
              .optSteps(20)
              .optEvaluation(
                  evaluation -> evaluation.optHeldOut(SHAPES.training(12)).optEverySteps(10))
              .optMetricsEverySteps(2)
              .build()
              .train();
    }
    List<JsonObject> steps = metrics("step");
    assertThat(steps).hasSize(10);
    assertThat(steps.get(4).get("step").getAsLong()).isEqualTo(10);
    assertThat(steps.get(4).get("loss").getAsFloat()).isEqualTo(result.losses()[9]);
    assertThat(steps.get(4).keySet())
        .contains(
            "epoch",
            "learning_rate",
            "gradient_norm",
            "logit_scale",
            "samples_per_second",
            "data_wait",
            "seconds",
            "image_cosine",
            "text_cosine",
            "time");
    assertThat(steps.get(4).get("data_wait").getAsDouble()).isBetween(0.0, 1.0);
    assertThat(metrics("evaluation"))
        .extracting(line -> line.get("step").getAsLong())
        .containsExactly(0L, 10L, 20L);
    assertThat(result.summary().evaluations()).hasSize(3);
    assertThat(result.summary().evaluations().get(2).values())
        .containsOnlyKeys(
            "retrieval.text_to_image.r1",
            "retrieval.text_to_image.r5",
            "retrieval.text_to_image.r10",
            "retrieval.image_to_text.r1",
            "retrieval.image_to_text.r5",
            "retrieval.image_to_text.r10");
    try (var files = Files.list(folder.resolve("tensorboard"))) {
      assertThat(files.toList()).hasSize(1).allSatisfy(file -> assertThat(file).isNotEmptyFile());
    }
    assertThat(folder.resolve("report.html"))
        .content()
        .contains("20 of 20", "finished", "Retrieval text to image", "</html>")
        .doesNotContain("http-equiv", "What looks wrong", "NaN", "<script");
    assertThat(folder.resolve(".report.html.tmp")).doesNotExist();
  }

  @Test
  void without_an_output_folder_nothing_is_written_and_evaluations_are_had_all_the_same()
      throws IOException {
    List<RunSummary.Evaluated> heard = new ArrayList<>();
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      TrainingResult result =
          trainer(model)
              .setOutput(null)
              .optEvaluation(
                  evaluation ->
                      evaluation.optZeroShot(
                          "shapes",
                          SHAPES.labels(),
                          List.of("a photo of a {}."),
                          SHAPES.seenTest(1)))
              .optListener(
                  new TrainingListener() {
                    @Override
                    public void onStep(TrainingProgress progress) {}

                    @Override
                    public void onEvaluation(RunSummary.Evaluated evaluated) {
                      heard.add(evaluated);
                    }
                  })
              .build()
              .train();
      assertThat(result.summary().evaluations()).isEqualTo(heard);
    }
    assertThat(heard).extracting(RunSummary.Evaluated::step).containsExactly(0L, 4L, 8L);
    assertThat(heard.get(0).values())
        .containsOnlyKeys("zero_shot.shapes.top1", "zero_shot.shapes.top5");
    assertThat(folder).isEmptyDirectory();
  }

  /** Evaluations that do not look at the model. */
  private static Evaluation given(double... values) {
    AtomicInteger next = new AtomicInteger();
    return encoder -> Map.of("given.value", values[next.getAndIncrement()]);
  }

  @Test
  void training_stops_when_evaluations_stop_improving_and_the_best_model_is_kept()
      throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      TrainingResult result =
          trainer(model)
              .optSteps(20)
              .optEvaluation(
                  evaluation ->
                      evaluation
                          .optEvaluation(given(0.1, 0.5, 0.4, 0.5, 0.9))
                          .optEverySteps(2)
                          .optBestBy("given.value")
                          .optEarlyStopping(2))
              .build()
              .train();
      assertThat(result.steps()).isEqualTo(6);
      assertThat(result.cancelled()).isFalse();
      assertThat(result.summary().stoppedEarly()).isTrue();
      assertThat(result.summary().best().step()).isEqualTo(2);
      assertThat(result.toString()).contains("stopped early");
      float last = model.values().read("visual.proj").get(0);
      try (Checkpoint best = Checkpoint.open(folder.resolve("best"));
          ClipModel loaded = ClipModel.load(best.config(), best.parameters())) {
        assertThat(loaded.values().read("visual.proj").get(0)).isNotEqualTo(last);
      }
    }
    assertThat(folder.resolve("report.html")).content().contains("stopped early", "2 (best)");
  }

  @Test
  void a_metric_that_is_not_evaluated_is_said_before_the_first_step() {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      List<TrainingProgress> heard = new ArrayList<>();
      assertThatThrownBy(
              () ->
                  trainer(model)
                      .optEvaluation(
                          evaluation ->
                              evaluation.optEvaluation(given(0.1)).optBestBy("retrieval.r1"))
                      .optListener(heard::add)
                      .build()
                      .train())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("retrieval.r1")
          .hasMessageContaining("given.value");
      assertThat(heard).isEmpty();
      assertThatThrownBy(
              () ->
                  trainer(model)
                      .optEvaluation(evaluation -> evaluation.optEarlyStopping(2))
                      .build())
          .hasMessageContaining("needs the metric");
    }
  }

  @Test
  void a_resumed_training_continues_its_records_and_knows_the_best_of_before() throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      ClipTrainer[] first = new ClipTrainer[1];
      first[0] =
          trainer(model)
              .optCheckpoints(checkpoints -> checkpoints.optEverySteps(3))
              .optEvaluation(
                  evaluation ->
                      evaluation
                          .optEvaluation(given(0.1, 0.6, 0.2))
                          .optEverySteps(2)
                          .optBestBy("given.value"))
              .optListener(
                  progress -> {
                    if (progress.step() == 5) {
                      throw new IllegalStateException("killed");
                    }
                  })
              .build();
      assertThatThrownBy(() -> first[0].train()).hasMessage("killed");
      Files.move(
          folder.resolve("checkpoints/step-000005"),
          folder.resolve("lost")); // which a kill would not have left
    }
    assertThat(metrics("step")).hasSize(5);
    assertThat(folder.resolve("report.html")).content().contains("ended by an error");
    assertThat(folder.resolve("checkpoints/best.json")).content().contains("\"step\":2");
    try (ClipModel model = ClipModel.create(CONFIG, 4)) {
      TrainingResult result =
          trainer(model)
              .optCheckpoints(checkpoints -> checkpoints.optEverySteps(3).optResume(true))
              .optEvaluation(
                  evaluation ->
                      evaluation
                          .optEvaluation(given(0.3, 0.4, 0.5))
                          .optEverySteps(2)
                          .optBestBy("given.value"))
              .build()
              .train();
      assertThat(result.resumedAt()).isEqualTo(3);
      assertThat(result.summary().best().step()).isEqualTo(2);
      assertThat(result.summary().evaluations())
          .extracting(RunSummary.Evaluated::step)
          .containsExactly(0L, 2L, 4L, 6L, 8L);
    }
    List<JsonObject> steps = metrics("step");
    assertThat(steps)
        .extracting(line -> line.get("step").getAsInt())
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    try (var files = Files.list(folder.resolve("tensorboard"))) {
      assertThat(files.toList()).hasSize(2);
    }
    assertThat(folder.resolve("report.html")).content().contains("8 of 8", "2 (best)");
  }

  @Test
  void averaged_weights_are_the_ones_evaluated_and_saved_as_the_best() throws IOException {
    float[] evaluated = new float[2];
    float[] trained = new float[1];
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      AtomicInteger next = new AtomicInteger();
      trainer(model)
          .optOptimizer(optimizer -> optimizer.optAverageWeights(0.9, false))
          .optEvaluation(
              evaluation ->
                  evaluation
                      .optEvaluation(
                          encoder -> {
                            evaluated[next.get()] = model.values().read("visual.proj").get(0);
                            return Map.of("given.value", (double) next.getAndIncrement());
                          })
                      .optEverySteps(8)
                      .optBestBy("given.value"))
          .optListener(progress -> trained[0] = model.values().read("visual.proj").get(0))
          .build()
          .train();
      assertThat(evaluated[1]).isNotEqualTo(evaluated[0]).isNotEqualTo(trained[0]);
      assertThat(model.values().read("visual.proj").get(0)).isEqualTo(evaluated[1]);
    }
    try (Checkpoint best = Checkpoint.open(folder.resolve("best"));
        ClipModel loaded = ClipModel.load(best.config(), best.parameters())) {
      assertThat(loaded.values().read("visual.proj").get(0)).isEqualTo(evaluated[1]);
    }
  }

  @Test
  void evaluating_changes_nothing_in_the_training() throws IOException {
    float[] without;
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      without = trainer(model).setOutput(null).build().train().losses();
    }
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      assertThat(
              trainer(model)
                  .optEvaluation(
                      evaluation -> evaluation.optHeldOut(SHAPES.training(5)).optEverySteps(1))
                  .build()
                  .train()
                  .losses())
          .isEqualTo(without);
    }
  }

  @Test
  void one_caption_for_all_is_found_with_a_loss_at_chance_and_collapsed_texts() throws IOException {
    List<Finding> heard = new ArrayList<>();
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      trainer(model)
          .setPairs(sameCaption(64))
          .optSteps(260)
          .optSchedule(schedule -> schedule.optWarmupSteps(10))
          .optListener(
              new TrainingListener() {
                @Override
                public void onStep(TrainingProgress progress) {}

                @Override
                public void onFinding(Finding finding) {
                  heard.add(finding);
                }
              })
          .build()
          .train();
    }
    assertThat(heard)
        .extracting(Finding::id)
        .containsExactlyInAnyOrder(
            Diagnosis.DUPLICATE_CAPTIONS, Diagnosis.LOSS_AT_CHANCE, Diagnosis.EMBEDDINGS_COLLAPSED);
    assertThat(metrics("finding")).hasSize(3);
    assertThat(folder.resolve("report.html"))
        .content()
        .contains("What looks wrong", "a &lt;shape&gt; &amp; more")
        .doesNotContain("<shape>");
  }

  @Test
  void a_learning_rate_that_rises_until_it_destroys_what_was_learned_is_found_too_high()
      throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      ClipTrainer.Builder trainer =
          trainer(model)
              .setPairs(SHAPES.training(16))
              .optData(data -> data.optSpreadDuplicates(true));
      TrainingResult good = trainer.optSteps(80).build().train();
      assertThat(good.summary().findings()).isEmpty();
      TrainingResult bad =
          trainer
              .optSteps(120)
              .optSchedule(schedule -> schedule.optWarmupSteps(119).optLearningRate(0.02))
              .build()
              .train();
      assertThat(bad.summary().findings())
          .extracting(Finding::id)
          .contains(Diagnosis.LEARNING_RATE_TOO_HIGH);
    }
  }

  @Test
  void a_learning_rate_of_a_hundred_ends_in_gradients_that_are_not_numbers() {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      assertThatThrownBy(
              () ->
                  trainer(model)
                      .optCheckpoints(checkpoints -> checkpoints.optEverySteps(1))
                      .optSchedule(schedule -> schedule.optLearningRate(100))
                      .optSteps(60)
                      .optSchedule(schedule -> schedule.optWarmupSteps(0))
                      .build()
                      .train())
          .isInstanceOf(TrainingDivergedException.class)
          .hasMessageContaining("became NaN")
          .hasMessageContaining("last good checkpoint is " + folder.resolve("checkpoints"))
          .hasMessageContaining("lower learning rate than 100");
    }
  }

  @Test
  void a_loss_that_is_not_a_number_stops_before_the_update_and_leaves_the_batch()
      throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      float[] before = new float[1];
      TrainingDivergedException failure =
          assertThrows(
              TrainingDivergedException.class,
              () ->
                  trainer(model)
                      .optEvaluation(
                          evaluation ->
                              evaluation
                                  .optEvaluation(given(0.1, 0.2))
                                  .optEverySteps(2)
                                  .optBestBy("given.value"))
                      .optListener(
                          progress -> {
                            if (progress.step() == 2) {
                              before[0] = model.values().read("visual.proj").get(0);
                              model.parameters().get("logit_scale").setRequiresGradient(false);
                              model.parameters().get("logit_scale").muli(Float.NaN);
                              model.parameters().get("logit_scale").setRequiresGradient(true);
                            }
                          })
                      .build()
                      .train());
      assertThat(model.values().read("visual.proj").get(0)).isEqualTo(before[0]);
      assertThat(failure)
          .hasMessageContaining("loss became NaN at step 3")
          .hasMessageContaining("of step 2, is in " + folder.resolve("best"))
          .hasMessageContaining(folder.resolve("nan-step-3").toString())
          .hasMessageContaining("learning rate");
      assertThat(failure.batch()).hasValue(folder.resolve("nan-step-3"));
    }
    List<String> captions = Files.readAllLines(folder.resolve("nan-step-3/captions.jsonl"));
    assertThat(captions).hasSize(16);
    JsonObject pair = JsonParser.parseString(captions.get(9)).getAsJsonObject();
    var sheet = ImageIO.read(folder.resolve("nan-step-3/images-000.png").toFile());
    assertThat(sheet.getWidth()).isEqualTo(8 * 32);
    assertThat(sheet.getHeight()).isEqualTo(2 * 32);
    ImageTextPair source = SHAPES.training(64).get(pair.get("index").getAsInt());
    assertThat(source.captions()).contains(pair.get("caption").getAsString());
    byte[] pixels = source.image().read().pixels(); // of the model's size, so not resampled
    int at = 3 * (5 * 32 + 20);
    int expected = (pixels[at] & 0xff) << 16 | (pixels[at + 1] & 0xff) << 8 | pixels[at + 2] & 0xff;
    int x = pair.get("x").getAsInt() + 20;
    assertThat(sheet.getRGB(x, pair.get("y").getAsInt() + 5) & 0xffffff).isEqualTo(expected);
    assertThat(metrics("finding")).hasSize(1);
    assertThat(metrics("step")).hasSize(2);
    assertThat(folder.resolve("report.html")).content().contains("ended by an error", "became NaN");
  }
}
