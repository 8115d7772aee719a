package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.session;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraOptions;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.train.workers.PartEmbeddings;
import org.clip4j.train.workers.WorkerModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trainings on Spark beside the same on one machine: augmentation, patch dropout and all. */
@Tag("spark")
class SparkWorkersTest {
  private static final long STEPS = 20;

  /** What a training leaves. */
  private record Trained(float[] losses, Map<String, float[]> weights) {}

  private static Trained train(UnaryOperator<ClipTrainer.Builder> settings) throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 3)) {
      ClipTrainer.Builder trainer =
          settings.apply(SmallTraining.builder(model, null).optSteps(STEPS).optMicroBatchSize(4));
      TrainingResult result = trainer.build().train();
      return new Trained(result.losses(), SmallTraining.weights(model));
    }
  }

  private static Trained onSpark(int parts, UnaryOperator<ClipTrainer.Builder> settings)
      throws IOException {
    try (SparkWorkers workers = SparkWorkers.of(session(), parts)) {
      return train(trainer -> settings.apply(trainer).optWorkers(workers));
    }
  }

  private static void assertClose(Trained found, Trained expected) {
    assertThat(found.losses()).containsExactly(expected.losses(), within(2e-5f));
    assertThat(found.weights().keySet()).isEqualTo(expected.weights().keySet());
    expected
        .weights()
        .forEach(
            (name, values) ->
                assertThat(found.weights().get(name))
                    .as(name)
                    .containsExactly(values, within(2e-5f)));
  }

  private static void assertBitEqual(Trained found, Trained expected) {
    assertThat(found.losses()).isEqualTo(expected.losses());
    expected
        .weights()
        .forEach((name, values) -> assertThat(found.weights().get(name)).isEqualTo(values));
  }

  @Test
  void twenty_steps_are_those_of_one_process_and_repeat_to_the_last_bit() throws IOException {
    Trained alone = train(trainer -> trainer);
    assertThat(alone.losses()[19]).isLessThan(alone.losses()[0]);
    assertClose(onSpark(1, trainer -> trainer), alone);
    Trained three = onSpark(3, trainer -> trainer);
    assertClose(three, alone);
    assertBitEqual(onSpark(3, trainer -> trainer), three);
  }

  @Test
  void an_adapter_is_all_that_a_step_sends() throws IOException {
    UnaryOperator<ClipTrainer.Builder> lora =
        trainer -> trainer.optLora(LoraOptions.DEFAULT).optSteps(6);
    Trained alone = train(lora);
    try (SparkWorkers workers = SparkWorkers.of(session(), 2)) {
      Sent sent = new Sent(workers);
      assertClose(train(trainer -> lora.apply(trainer).optWorkers(sent)), alone);
      int adapters =
          alone.weights().entrySet().stream()
              .filter(entry -> entry.getKey().contains(".lora_"))
              .mapToInt(entry -> entry.getValue().length)
              .sum();
      assertThat(adapters).isPositive();
      assertThat(sent.weights).hasSize(6).containsOnly(adapters);
      assertThat(sent.gradients).hasSize(6).containsOnly(adapters);
    }
  }

  /** Counts what goes to workers and comes from them. */
  private record Sent(BatchWorkers workers, List<Integer> weights, List<Integer> gradients)
      implements BatchWorkers {
    Sent(BatchWorkers workers) {
      this(workers, new ArrayList<>(), new ArrayList<>());
    }

    @Override
    public int count() {
      return workers.count();
    }

    @Override
    public void start(WorkerModel model) {
      workers.start(model);
    }

    @Override
    public List<PartEmbeddings> encode(List<BatchPart> parts, float[] values) {
      weights.add(values.length);
      return workers.encode(parts, values);
    }

    @Override
    public float[] sendBack(PartEmbeddings embeddings) {
      float[] sums = workers.sendBack(embeddings);
      gradients.add(sums.length);
      return sums;
    }

    @Override
    public void close() {
      workers.close();
    }
  }

  @Test
  void either_side_resumes_the_others_checkpoint(@TempDir Path folder) throws IOException {
    UnaryOperator<ClipTrainer.Builder> kept =
        trainer ->
            trainer
                .setOutput(folder)
                .optCheckpoints(checkpoints -> checkpoints.optEverySteps(5).optResume(true));
    Trained alone = train(trainer -> trainer);
    stopAfter(7, kept, null);
    try (SparkWorkers workers = SparkWorkers.of(session(), 2)) {
      stopAfter(13, kept, workers);
    }
    assertClose(train(kept), alone);
  }

  private static void stopAfter(
      long step, UnaryOperator<ClipTrainer.Builder> settings, BatchWorkers workers)
      throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 3)) {
      ClipTrainer[] trainer = new ClipTrainer[1];
      ClipTrainer.Builder builder =
          settings
              .apply(SmallTraining.builder(model, null).optSteps(STEPS).optMicroBatchSize(4))
              .optListener(
                  progress -> {
                    if (progress.step() == step) {
                      trainer[0].cancel();
                    }
                  });
      if (workers != null) {
        builder.optWorkers(workers);
      }
      trainer[0] = builder.build();
      assertThat(trainer[0].train().steps()).isEqualTo(step);
    }
  }

  @Test
  void sums_do_not_depend_on_the_order_in_which_parts_are_ready() {
    float[][] parts = new float[7][];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = new float[] {1e8f / (i + 1), 0.1f * i, -3e7f * i};
    }
    float[] expected = null;
    for (int[] order : new int[][] {{0, 1, 2, 3, 4, 5, 6}, {6, 3, 0, 5, 2, 4, 1}}) {
      PartialSums left = new PartialSums();
      PartialSums right = new PartialSums();
      for (int i = 0; i < parts.length; i++) {
        (i % 3 == 0 ? left : right).add(order[i], parts[order[i]].clone());
      }
      float[] total = right.add(left).total();
      expected = expected == null ? total : expected;
      assertThat(total).isEqualTo(expected);
    }
  }

  @Test
  void what_cannot_be_trained_so_is_said_before_the_first_step() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> {
              try (ClipModel model = ClipModel.create(SmallTraining.RESNET, 3);
                  SparkWorkers workers = SparkWorkers.of(session(), 2)) {
                SmallTraining.builder(model, null).optWorkers(workers).build().train();
              }
            })
        .withMessageContaining("ModifiedResNet");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SparkWorkers.of(session(), 0))
        .withMessageContaining("at least 1 part");
  }
}
