package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.clip4j.train.internal.checkpoint.Resuming.assertSame;
import static org.clip4j.train.internal.checkpoint.Resuming.resumable;
import static org.clip4j.train.internal.checkpoint.Resuming.uninterrupted;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.clip4j.image.Augmentation;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.TextTransformerConfig;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.internal.checkpoint.Resuming.Outcome;
import org.clip4j.train.options.Freezing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What may change between a training and the one that continues it. */
class ResumeChangesTest {
  @TempDir Path folder;

  private Outcome train(long modelSeed, long stopAfter, UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    return Resuming.train(SmallTraining.VIT, folder, modelSeed, stopAfter, options);
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
    assertThat(outcome.result().losses()).hasSize(20);
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
                Resuming.train(
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
    Outcome whole = Resuming.train(SmallTraining.VIT, null, 3, -1, options);
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
    assertThatThrownBy(() -> Resuming.train(heads, folder, 4, -1, resumable))
        .hasMessageContaining("step-000005 holds a model of another architecture");
    assertSame(train(4, -1, resumable), whole);
  }
}
