package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.clip4j.train.internal.checkpoint.Resuming.assertSame;
import static org.clip4j.train.internal.checkpoint.Resuming.resumable;
import static org.clip4j.train.internal.checkpoint.Resuming.uninterrupted;

import ai.djl.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.internal.checkpoint.Resuming.Outcome;
import org.clip4j.train.monitor.TrainingProgress;
import org.clip4j.train.options.Freezing;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training that stops and continues is the training that never stopped. */
class ResumeTest {
  @TempDir Path folder;

  private Outcome train(long modelSeed, long stopAfter, UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    return Resuming.train(SmallTraining.VIT, folder, modelSeed, stopAfter, options);
  }

  /** The same with and without a break, whatever else is asked for. */
  private void assertResumable(UnaryOperator<ClipTrainer.Builder> options) throws IOException {
    Outcome whole = Resuming.train(SmallTraining.VIT, null, 3, -1, options);
    Path output = folder.resolve("run");
    Resuming.train(SmallTraining.VIT, output, 3, 5, b -> resumable(100).apply(options.apply(b)));
    assertSame(
        Resuming.train(
            SmallTraining.VIT, output, 4, -1, b -> resumable(100).apply(options.apply(b))),
        whole);
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
      Outcome first = Resuming.train(config, output, 3, 2, resumable(100));
      assertThat(first.result().cancelled()).isTrue();
      assertThat(first.result().resumedAt()).isZero();
      Resuming.train(config, output, 4, 9, resumable(100));
      Outcome last = Resuming.train(config, output, 5, -1, resumable(100));
      assertThat(last.result().resumedAt()).isEqualTo(9);
      assertThat(last.result().cancelled()).isFalse();
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
            .forEach((name, values) -> assertThat(values).isEqualTo(outcome.weights().get(name)));
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
    assertThat(outcome.result().resumedAt()).isEqualTo(outcome.result().steps()).isEqualTo(5);
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
    assertThat(again.result().resumedAt()).isEqualTo(SmallTraining.STEPS);
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
    Outcome whole = Resuming.train(SmallTraining.VIT, straight, 3, -1, broken);
    Path halting = folder.resolve("halting");
    Resuming.train(SmallTraining.VIT, halting, 3, 1, broken);
    Resuming.train(SmallTraining.VIT, halting, 3, 8, broken);
    Outcome last = Resuming.train(SmallTraining.VIT, halting, 3, -1, broken);
    assertSame(last, whole);
    assertThat(last.result().unreadable()).isEqualTo(10).isEqualTo(whole.result().unreadable());
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
