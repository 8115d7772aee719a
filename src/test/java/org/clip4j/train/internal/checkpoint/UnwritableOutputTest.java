package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.clip4j.eval.Evaluation;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.TrainingResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be written, and what a training saves before it fails. */
class UnwritableOutputTest {
  @TempDir Path output;

  private TrainingResult train(ClipTrainer.Builder builder) throws IOException {
    return builder.build().train();
  }

  private ClipTrainer.Builder builder(ClipModel model) {
    return SmallTraining.builder(model, output)
        .optCheckpoints(checkpoints -> checkpoints.optEverySteps(1000));
  }

  @Test
  void a_training_whose_reports_cannot_be_written_goes_on_to_its_end() throws IOException {
    for (String file : new String[] {"metrics.jsonl", "report.html", "skipped.jsonl"}) {
      Files.createDirectories(output.resolve(file).resolve("in the way"));
    }
    Files.writeString(output.resolve("tensorboard"), "in the way");
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 1)) {
      TrainingResult result =
          train(builder(model).setPairs(SmallTraining.SHAPES.training(50)).optSteps(4));
      assertThat(result.steps()).isEqualTo(4);
    }
    assertThat(CheckpointFolder.steps(output)).containsExactly(4L);
    assertThat(output.resolve("open_clip_model.safetensors")).exists();
  }

  @Test
  void what_a_listener_throws_leaves_a_checkpoint_to_go_on_from() throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 1)) {
      ClipTrainer.Builder failing =
          builder(model)
              .optListener(
                  step -> {
                    if (step.step() == 5) {
                      throw new IllegalStateException("the chart is full");
                    }
                  });
      assertThatThrownBy(() -> train(failing)).hasMessage("the chart is full");
    }
    assertThat(CheckpointFolder.steps(output)).containsExactly(5L);
    assertSameAsWithoutBreak(5, builder -> builder);
  }

  @Test
  void what_an_evaluation_throws_leaves_a_checkpoint_with_weights_that_are_not_averaged()
      throws IOException {
    assertThat(failingEvaluation(0)).as("before the first step").isEmpty();
    assertThat(failingEvaluation(1)).containsExactly(3L);
    assertSameAsWithoutBreak(
        3, builder -> builder.optOptimizer(optimizer -> optimizer.optAverageWeights(0.9, true)));
  }

  /** The checkpoints of a training whose evaluation fails after so many that do not. */
  private List<Long> failingEvaluation(int good) throws IOException {
    AtomicInteger before = new AtomicInteger();
    Evaluation failing =
        encoder -> {
          if (before.getAndIncrement() == good) {
            throw new IllegalStateException("no room for the evaluation");
          }
          return Map.of("one", 1.0);
        };
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 1)) {
      ClipTrainer.Builder builder =
          builder(model)
              .optEvaluation(evaluation -> evaluation.optEvaluation(failing).optEverySteps(3))
              .optOptimizer(optimizer -> optimizer.optAverageWeights(0.9, true));
      assertThatThrownBy(() -> train(builder)).hasMessage("no room for the evaluation");
    }
    return CheckpointFolder.steps(output);
  }

  private void assertSameAsWithoutBreak(long step, UnaryOperator<ClipTrainer.Builder> settings)
      throws IOException {
    try (ClipModel resumed = ClipModel.create(SmallTraining.VIT, 2);
        ClipModel whole = ClipModel.create(SmallTraining.VIT, 1)) {
      TrainingResult result =
          train(
              settings
                  .apply(builder(resumed))
                  .optCheckpoints(checkpoints -> checkpoints.optResume(true)));
      assertThat(result.resumedAt()).isEqualTo(step);
      train(settings.apply(SmallTraining.builder(whole, null)));
      SmallTraining.weights(whole)
          .forEach(
              (name, values) ->
                  assertThat(SmallTraining.weights(resumed).get(name)).as(name).isEqualTo(values));
    }
  }

  @Test
  void after_the_checkpoints_are_deleted_amid_a_run_the_next_is_written_anew() throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 1);
        ClipModel other = ClipModel.create(SmallTraining.VIT, 1)) {
      ClipTrainer.Builder builder =
          builder(model)
              .optCheckpoints(checkpoints -> checkpoints.optEverySteps(2))
              .optListener(
                  step -> {
                    try {
                      if (step.step() == 5) {
                        RunFiles.delete(output.resolve("checkpoints"));
                      } else if (step.step() == 7) {
                        assertThatThrownBy(
                                () ->
                                    train(
                                        builder(other)
                                            .optCheckpoints(
                                                checkpoints -> checkpoints.optResume(true))))
                            .hasMessageContaining("in use by another training");
                      }
                    } catch (IOException e) {
                      throw new AssertionError(e);
                    }
                  });
      train(builder.optSteps(9));
    }
    assertThat(CheckpointFolder.steps(output)).containsExactly(6L, 8L, 9L);
  }

  @Test
  void a_last_checkpoint_that_cannot_be_written_is_named_with_the_reason() throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 1)) {
      ClipTrainer.Builder builder =
          builder(model)
              .optSteps(3)
              .optListener(
                  step -> {
                    try {
                      Files.writeString(
                          output.resolve("checkpoints/.step-000003.tmp"), "in the way");
                    } catch (IOException e) {
                      throw new AssertionError(e);
                    }
                  });
      assertThatThrownBy(() -> train(builder))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("the checkpoint after step 3 could not be written (")
          .hasMessageEndingWith("it exists already), and there is none yet");
    }
    assertThat(output.resolve("open_clip_model.safetensors")).as("the model all the same").exists();
  }

  @Test
  void an_output_folder_that_is_a_file_is_named_with_the_reason() throws IOException {
    Path file = Files.writeString(output.resolve("run"), "in the way");
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 1)) {
      assertThatThrownBy(() -> train(SmallTraining.builder(model, file)))
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageContaining("exists already");
    }
  }
}
