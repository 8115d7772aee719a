package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.image.Augmentation;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.monitor.TrainingProgress;
import org.clip4j.train.options.Freezing;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training that stops and continues is the training that never stopped. */
class ResumeTest {
  @TempDir Path folder;

  private record Outcome(TrainingResult result, Map<String, float[]> weights) {}

  /** Trains; every run starts with other weights, which a resumed one must not see. */
  private static Outcome train(
      ClipConfig config,
      Path output,
      long modelSeed,
      long stopAfter,
      UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    try (ClipModel model = ClipModel.create(config, modelSeed)) {
      ClipTrainer[] trainer = new ClipTrainer[1];
      trainer[0] =
          options
              .apply(SmallTraining.builder(model, output))
              .optListener(
                  progress -> {
                    if (progress.step() == stopAfter) {
                      trainer[0].cancel();
                    }
                  })
              .build();
      TrainingResult result = trainer[0].train();
      return new Outcome(result, SmallTraining.weights(model));
    }
  }

  private Outcome train(long modelSeed, long stopAfter, UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    return train(SmallTraining.VIT, folder, modelSeed, stopAfter, options);
  }

  private static UnaryOperator<ClipTrainer.Builder> resumable(long everySteps) {
    return builder ->
        builder.optCheckpoints(
            checkpoints -> checkpoints.optEverySteps(everySteps).optResume(true));
  }

  private static Outcome uninterrupted(ClipConfig config) throws IOException {
    return train(config, null, 3, -1, builder -> builder);
  }

  /** The same with and without a break, whatever else is asked for. */
  private void assertResumable(UnaryOperator<ClipTrainer.Builder> options) throws IOException {
    Outcome whole = train(SmallTraining.VIT, null, 3, -1, options);
    Path output = folder.resolve("run");
    train(SmallTraining.VIT, output, 3, 5, b -> resumable(100).apply(options.apply(b)));
    assertSame(
        train(SmallTraining.VIT, output, 4, -1, b -> resumable(100).apply(options.apply(b))),
        whole);
  }

  private static void assertSame(Outcome found, Outcome expected) {
    assertThat(found.weights.keySet()).isEqualTo(expected.weights.keySet());
    found.weights.forEach(
        (name, values) -> assertThat(values).as(name).isEqualTo(expected.weights.get(name)));
    assertThat(found.result.losses()).isEqualTo(expected.result.losses());
    assertThat(found.result.samples()).isEqualTo(expected.result.samples());
  }

  private List<String> checkpoints() throws IOException {
    try (Stream<Path> list = Files.list(folder.resolve("checkpoints"))) {
      return list.map(path -> path.getFileName().toString())
          .filter(name -> !name.equals(".lock"))
          .sorted()
          .toList();
    }
  }

  @Test
  void a_resumed_training_ends_with_the_same_bits() throws IOException {
    for (ClipConfig config : List.of(SmallTraining.VIT, SmallTraining.RESNET)) {
      Outcome whole = uninterrupted(config);
      Path output = folder.resolve("width-" + config.vision().width());
      Outcome first = train(config, output, 3, 2, resumable(100));
      assertThat(first.result.cancelled()).isTrue();
      assertThat(first.result.resumedAt()).isZero();
      train(config, output, 4, 9, resumable(100));
      Outcome last = train(config, output, 5, -1, resumable(100));
      assertThat(last.result.resumedAt()).isEqualTo(9);
      assertThat(last.result.cancelled()).isFalse();
      assertSame(last, whole);
    }
  }

  @Test
  void averaged_weights_go_on_too() throws IOException {
    assertResumable(
        builder -> builder.optOptimizer(optimizer -> optimizer.optAverageWeights(0.9, true)));
  }

  @Test
  void a_training_in_bf16_goes_on_with_the_same_bits() throws IOException {
    assertResumable(builder -> builder.optPrecision(Precision.BF16));
  }

  @Test
  void a_training_in_fp16_goes_on_with_its_loss_scale() throws IOException {
    assertResumable(builder -> builder.optPrecision(Precision.FP16));
  }

  @Test
  void a_frozen_tower_and_slower_layers_stay_so() throws IOException {
    assertResumable(
        builder ->
            builder.optOptimizer(
                optimizer -> optimizer.optFreeze(Freezing.imageTower()).optLayerDecay(0.8)));
  }

  @Test
  void several_devices_go_on_from_the_same_weights() throws IOException {
    assertResumable(builder -> builder.optDevices(Device.cpu(), Device.cpu()));
  }

  @Test
  void every_step_can_be_resumed_from() throws IOException {
    Outcome whole = uninterrupted(SmallTraining.VIT);
    for (int step = 1; step < SmallTraining.STEPS; step++) {
      train(3, step, resumable(100));
    }
    assertSame(train(4, -1, resumable(100)), whole);
  }

  @Test
  void checkpoints_come_every_n_steps_and_at_the_end_and_the_last_are_kept() throws IOException {
    train(
        3,
        -1,
        builder ->
            builder.optCheckpoints(checkpoints -> checkpoints.optEverySteps(3).optKeepLast(2)));
    assertThat(checkpoints()).containsExactly("step-000012", "step-000014");
  }

  @Test
  void checkpoints_come_by_the_clock_too() throws IOException {
    train(
        3,
        4,
        builder ->
            builder.optCheckpoints(
                checkpoints -> checkpoints.optEveryMinutes(1e-9).optKeepLast(9)));
    assertThat(checkpoints())
        .containsExactly("step-000001", "step-000002", "step-000003", "step-000004");
  }

  @Test
  void a_checkpoint_opens_as_a_model_in_its_layout() throws IOException {
    Outcome outcome =
        train(
            3,
            4,
            builder ->
                builder
                    .optCheckpoints(checkpoints -> checkpoints.optEverySteps(4))
                    .optLayout(Layout.TRANSFORMERS));
    try (Checkpoint saved = Checkpoint.open(folder.resolve("checkpoints/step-000004"))) {
      assertThat(saved.layout()).isEqualTo(Layout.TRANSFORMERS);
      try (ClipModel model = ClipModel.load(saved.config(), saved.parameters())) {
        SmallTraining.weights(model)
            .forEach((name, values) -> assertThat(values).isEqualTo(outcome.weights.get(name)));
      }
    }
    assertSame(
        train(
            4,
            -1,
            b ->
                b.optLayout(Layout.TRANSFORMERS)
                    .optCheckpoints(checkpoints -> checkpoints.optResume(true))),
        uninterrupted(SmallTraining.VIT));
  }

  @Test
  void an_interrupted_training_saves_a_checkpoint() throws IOException {
    train(
        3,
        -1,
        builder ->
            builder
                .optCheckpoints(checkpoints -> checkpoints.optEverySteps(100))
                .optListener(
                    progress -> {
                      if (progress.step() == 5) {
                        Thread.currentThread().interrupt();
                      }
                    }));
    assertThat(Thread.interrupted()).as("still interrupted").isTrue();
    assertThat(checkpoints()).containsExactly("step-000005");
    assertSame(train(4, -1, resumable(100)), uninterrupted(SmallTraining.VIT));
  }

  @Test
  void an_interrupted_thread_takes_no_checkpoint_for_damaged() throws IOException {
    train(3, 4, resumable(100));
    train(3, 5, resumable(100));
    Thread.currentThread().interrupt();
    Outcome outcome = train(4, -1, resumable(100));
    assertThat(Thread.interrupted()).as("still interrupted").isTrue();
    assertThat(outcome.result.resumedAt()).isEqualTo(outcome.result.steps()).isEqualTo(5);
    assertThat(checkpoints()).containsExactly("step-000004", "step-000005");
  }

  @Test
  void a_mixture_goes_on_where_each_of_its_sources_was() throws IOException {
    assertResumable(
        builder ->
            builder
                .optData(data -> data.optMaxSkippedShare(0.5))
                .setPairs(
                    Pairs.mixture()
                        .add(SmallTraining.SHAPES.training(30), 2)
                        .add(partlyBroken(), 1)
                        .build()));
  }

  @Test
  void a_finished_training_has_nothing_left_to_do() throws IOException {
    Outcome whole = train(3, -1, resumable(5));
    Files.delete(folder.resolve("open_clip_model.safetensors"));
    Outcome again = train(4, -1, resumable(5));
    assertThat(again.result.resumedAt()).isEqualTo(SmallTraining.STEPS);
    assertSame(again, whole);
    assertThat(folder.resolve("open_clip_model.safetensors")).exists();
  }

  @Test
  void listeners_hear_where_it_resumed_and_counters_go_on() throws IOException {
    List<TrainingProgress> before = new ArrayList<>();
    train(3, 5, builder -> resumable(5).apply(builder).optListener(before::add));
    List<TrainingProgress> heard = new ArrayList<>();
    train(4, -1, builder -> resumable(5).apply(builder).optListener(heard::add));
    assertThat(heard).hasSize(SmallTraining.STEPS - 5);
    assertThat(heard.get(0).step()).isEqualTo(6);
    assertThat(heard).allMatch(progress -> progress.resumedAt() == 5);
    assertThat(heard.get(0).elapsed()).isGreaterThan(before.get(4).elapsed().minusMillis(1));
  }

  @Test
  void a_folder_with_checkpoints_is_not_overwritten_unasked() throws IOException {
    train(3, 4, resumable(4));
    assertThatThrownBy(() -> train(3, -1, builder -> builder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("step 4")
        .hasMessageContaining("resume it");
  }

  @Test
  void two_trainings_do_not_share_a_folder() throws IOException {
    train(
        3,
        -1,
        builder ->
            resumable(4)
                .apply(builder)
                .optListener(
                    progress ->
                        assertThatThrownBy(() -> train(3, -1, resumable(4)))
                            .hasMessageContaining("another training")));
  }

  @Test
  void what_changed_is_said_setting_by_setting() throws IOException {
    train(3, 4, resumable(4));
    assertThatThrownBy(
            () ->
                train(
                    3,
                    -1,
                    builder ->
                        resumable(4)
                            .apply(builder)
                            .optBatchSize(10)
                            .optMicroBatchSize(8)
                            .optData(
                                data ->
                                    data.optAugmentation(
                                        Augmentation.builder()
                                            .optFlip(0.25)
                                            .optScale(0.5, 1)
                                            .build()))
                            .setPairs(SmallTraining.SHAPES.training(51))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("batchSize: was 16, is 10\n")
        .hasMessageContaining("data.augmentation.flipProbability: was 0.5, is 0.25\n")
        .hasMessageContaining("pairs.pairs: was 50, is 51\n")
        .hasMessageNotContaining("microBatchSize")
        .hasMessageContaining("allow the changes by the names");
    assertThat(checkpoints()).as("nothing was touched").containsExactly("step-000004");
  }

  @Test
  void changes_that_are_allowed_take_effect() throws IOException {
    train(3, 4, resumable(4));
    UnaryOperator<ClipTrainer.Builder> longer =
        builder ->
            resumable(4)
                .apply(builder)
                .optSteps(20)
                .optSchedule(schedule -> schedule.optWarmupSteps(0));
    assertThatThrownBy(
            () ->
                train(
                    3,
                    -1,
                    b ->
                        longer
                            .apply(b)
                            .optSchedule(
                                schedule -> schedule.optWarmupSteps(1).optLearningRate(0.01))))
        .hasMessageContaining("totalSteps: was 14, is 20")
        .hasMessageContaining("schedule.warmupSteps: was 0, is 1")
        .hasMessageContaining("schedule.learningRate: was 0.001, is 0.01");
    Outcome outcome =
        train(
            3,
            -1,
            builder ->
                longer
                    .apply(builder)
                    .optCheckpoints(checkpoints -> checkpoints.optAllowedChanges("totalSteps")));
    assertThat(outcome.result.losses()).hasSize(20);
  }

  @Test
  void threads_cache_and_cadence_may_change() throws IOException {
    train(3, 4, resumable(4));
    assertSame(
        train(
            4,
            -1,
            builder ->
                builder
                    .optCheckpoints(checkpoints -> checkpoints.optResume(true).optEveryMinutes(3))
                    .optData(data -> data.optDecodeThreads(3).optImageCacheBytes(0))
                    .optCheckpoints(checkpoints -> checkpoints.optKeepLast(1))),
        uninterrupted(SmallTraining.VIT));
  }

  @Test
  void a_checkpoint_of_another_architecture_is_refused() throws IOException {
    train(3, 4, resumable(4));
    assertThatThrownBy(
            () ->
                train(
                    SmallTraining.RESNET,
                    folder,
                    3,
                    -1,
                    builder ->
                        resumable(4)
                            .apply(builder)
                            .optCheckpoints(checkpoints -> checkpoints.optAllowedChanges("model"))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("step-000004");
  }

  @Test
  void losses_of_another_number_of_steps_are_refused() throws IOException {
    train(3, 4, resumable(4));
    Path file = folder.resolve("checkpoints/step-000004/run.json");
    JsonObject json = RunFiles.readJson(file);
    json.getAsJsonObject("run").addProperty("step", 5_000_000_000L);
    json.addProperty("checksum", RunFiles.fingerprint(json.get("run").toString()));
    Files.writeString(file, json.toString());
    assertThatThrownBy(() -> train(3, -1, resumable(4)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("step-000004/state.safetensors has other tensors")
        .hasMessageContaining("losses: was [4], is [5000000000]");
  }

  /** The resource is what the version before wrote for this training. */
  private void writeAsFormat1(Map<String, String> changes) throws IOException {
    Path file = folder.resolve("checkpoints/step-000005/run.json");
    JsonObject json = RunFiles.readJson(file);
    JsonObject run = json.getAsJsonObject("run");
    JsonObject settings =
        RunFiles.readJson(Path.of("src/test/resources/train/settings-of-format-1.json"));
    changes.forEach(settings::addProperty);
    run.addProperty("format", 1);
    run.add("settings", settings);
    json.addProperty("checksum", RunFiles.fingerprint(run.toString()));
    Files.writeString(file, json.toString());
  }

  @Test
  void a_run_of_the_version_before_goes_on_with_the_same_bits() throws IOException {
    UnaryOperator<ClipTrainer.Builder> options =
        builder ->
            builder.optOptimizer(
                optimizer ->
                    optimizer
                        .optFreeze(Freezing.textTower().withLastBlocksUnlocked(1))
                        .optLayerDecay(0.9)
                        .optAverageWeights(0.9, true));
    UnaryOperator<ClipTrainer.Builder> resumable = b -> resumable(100).apply(options.apply(b));
    Outcome whole = train(SmallTraining.VIT, null, 3, -1, options);
    train(3, 5, resumable);
    writeAsFormat1(Map.of("learningRate", "0.01", "ema.decay", "0.5", "patchDropout.share", "0.3"));
    assertThatThrownBy(() -> train(4, -1, resumable))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("schedule.learningRate: was 0.01, is 0.001\n")
        .hasMessageContaining("optimizer.averageDecay: was 0.5, is 0.9\n")
        .hasMessageContaining("data.patchDropout: was 0.3, is 0.25\n")
        .hasMessageNotContaining("not set");
    writeAsFormat1(Map.of());
    ClipConfig vit = SmallTraining.VIT;
    TextConfig text = ((TextTransformerConfig) vit.text()).toBuilder().setHeads(4).build();
    ClipConfig heads = new ClipConfig(vit.embedDim(), vit.vision(), text, false);
    assertThatThrownBy(() -> train(heads, folder, 4, -1, resumable))
        .hasMessageContaining("step-000005 holds a model of another architecture");
    assertSame(train(4, -1, resumable), whole);
  }

  /** The last pairs cannot be read. */
  private static PairSource partlyBroken() {
    List<ImageTextPair> pairs = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      ImageTextPair pair = SmallTraining.SHAPES.training(60).get(i);
      pairs.add(
          i < 50 ? pair : new ImageTextPair(new Broken("broken-" + i + ".png"), pair.captions()));
    }
    return Pairs.of(pairs);
  }

  private record Broken(String name) implements ImageSource {
    @Override
    public RgbImage read() throws IOException {
      throw new IOException(name + " is empty");
    }
  }

  @Test
  void damaged_pairs_are_accounted_for_as_without_a_break() throws IOException {
    UnaryOperator<ClipTrainer.Builder> broken =
        builder ->
            resumable(5)
                .apply(builder)
                .setPairs(partlyBroken())
                .optData(data -> data.optMaxSkippedShare(0.5));
    Path straight = folder.resolve("straight");
    Outcome whole = train(SmallTraining.VIT, straight, 3, -1, broken);
    Path halting = folder.resolve("halting");
    train(SmallTraining.VIT, halting, 3, 1, broken);
    train(SmallTraining.VIT, halting, 3, 8, broken);
    Outcome last = train(SmallTraining.VIT, halting, 3, -1, broken);
    assertSame(last, whole);
    assertThat(last.result.unreadable()).isEqualTo(10).isEqualTo(whole.result.unreadable());
    assertThat(Files.readString(halting.resolve("skipped.jsonl")).lines())
        .containsExactlyInAnyOrderElementsOf(Files.readAllLines(straight.resolve("skipped.jsonl")));
    String last14 = "checkpoints/step-000014";
    assertThat(StepCheckpoint.open(halting.resolve(last14)).state().position())
        .isEqualTo(StepCheckpoint.open(straight.resolve(last14)).state().position());
  }

  @Test
  void a_checkpoint_that_cannot_be_written_costs_nothing_else() throws IOException {
    Outcome outcome =
        train(
            3,
            -1,
            builder ->
                resumable(4)
                    .apply(builder)
                    .optListener(
                        progress -> {
                          if (progress.step() == 8) {
                            block("step-000008");
                          }
                        }));
    assertThat(checkpoints()).containsExactly("step-000004", "step-000012", "step-000014");
    assertSame(outcome, uninterrupted(SmallTraining.VIT));
  }

  @Test
  void a_last_checkpoint_that_cannot_be_written_is_an_error_and_the_model_is_saved() {
    assertThatThrownBy(
            () ->
                train(
                    3,
                    -1,
                    builder ->
                        resumable(4)
                            .apply(builder)
                            .optListener(
                                progress -> {
                                  if (progress.step() == 14) {
                                    block("step-000014");
                                  }
                                })))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("step-000014");
    assertThat(folder.resolve("checkpoints/step-000012")).exists();
    assertThat(folder.resolve("open_clip_model.safetensors")).exists();
  }

  /** Stands in the way of a checkpoint. */
  private void block(String name) {
    try {
      Files.createFile(folder.resolve("checkpoints/." + name + ".tmp"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void checkpoints_need_a_folder() {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 3)) {
      assertThatThrownBy(
              () ->
                  SmallTraining.builder(model, null)
                      .optCheckpoints(checkpoints -> checkpoints.optEverySteps(3))
                      .build()
                      .train())
          .hasMessageContaining("setOutput");
    }
    assertThatThrownBy(
            () ->
                ClipTrainer.builder().optCheckpoints(checkpoints -> checkpoints.optEveryMinutes(0)))
        .hasMessageContaining("above 0");
    assertThatThrownBy(
            () -> ClipTrainer.builder().optCheckpoints(checkpoints -> checkpoints.optKeepLast(0)))
        .hasMessageContaining("at least 1");
  }
}
