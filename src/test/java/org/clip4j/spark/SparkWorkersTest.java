package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.session;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
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
import scala.Tuple2;

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
    assertClose(onSpark(8, trainer -> trainer.optSteps(6)), train(trainer -> trainer.optSteps(6)));
  }

  @Test
  void an_adapter_is_all_that_a_step_sends_of_the_weights() throws IOException {
    UnaryOperator<ClipTrainer.Builder> lora =
        trainer -> trainer.optLora(LoraOptions.DEFAULT).optSteps(6);
    Trained alone = train(lora);
    int adapters =
        alone.weights().entrySet().stream()
            .filter(entry -> entry.getKey().contains(".lora_"))
            .mapToInt(entry -> entry.getValue().length)
            .sum();
    assertThat(adapters).isPositive();
    try (SparkWorkers workers = SparkWorkers.of(session(), 2)) {
      Sent sent = new Sent(workers);
      assertClose(train(trainer -> lora.apply(trainer).optWorkers(sent)), alone);
      sent.assertFormula(6, adapters);
      assertThat(sent.models).hasSize(1); // the frozen weights, once
    }
  }

  @Test
  void a_step_sends_the_bytes_that_the_guide_counts() throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 3);
        SparkWorkers workers = SparkWorkers.of(session(), 2)) {
      Sent sent = new Sent(workers);
      train(trainer -> trainer.optSteps(3).optWorkers(sent));
      sent.assertFormula(3, (int) model.parameterCount() - 1); // the driver has the logit scale
    }
  }

  /** Counts the bytes that go to workers and come from them. */
  private record Sent(
      BatchWorkers workers,
      List<Long> models,
      List<Long> parts,
      List<Long> weights,
      List<Long> embeddings,
      List<Long> gradients,
      List<Long> sums)
      implements BatchWorkers {
    Sent(BatchWorkers workers) {
      this(
          workers,
          new ArrayList<>(),
          new ArrayList<>(),
          new ArrayList<>(),
          new ArrayList<>(),
          new ArrayList<>(),
          new ArrayList<>());
    }

    /** What docs/scaling.md says, beside the names of classes and the like. */
    void assertFormula(int steps, int trained) {
      int pairs = 16;
      int kept = 12; // of 16 patches, which patch dropout leaves
      int tokens = SmallTraining.VIT.text().contextLength();
      int embedDim = SmallTraining.VIT.embedDim();
      assertBytes(parts, steps, pairs * (3L * 32 * 32 + 8 * tokens + 8 * kept));
      assertBytes(weights, steps, 4L * trained);
      assertBytes(embeddings, steps, 8L * pairs * embedDim);
      assertBytes(gradients, steps, 8L * pairs * embedDim);
      assertBytes(sums, steps, 4L * trained);
    }

    private static void assertBytes(List<Long> found, int steps, long expected) {
      assertThat(found).hasSize(steps);
      assertThat(found).allSatisfy(each -> assertThat(each).isBetween(expected, expected + 1024));
    }

    private static long bytes(Object sent) {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      try (ObjectOutputStream out = new ObjectOutputStream(all)) {
        out.writeObject(sent);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return all.size();
    }

    @Override
    public int count() {
      return workers.count();
    }

    @Override
    public void start(WorkerModel model) {
      models.add(bytes(model));
      workers.start(model);
    }

    @Override
    public List<PartEmbeddings> encode(List<BatchPart> batch, float[] values) {
      parts.add(bytes(new ArrayList<>(batch)));
      weights.add(bytes(values));
      List<PartEmbeddings> found = workers.encode(batch, values);
      embeddings.add(bytes(new ArrayList<>(found)));
      return found;
    }

    @Override
    public float[] sendBack(PartEmbeddings embeddingGradients) {
      gradients.add(bytes(embeddingGradients));
      float[] found = workers.sendBack(embeddingGradients);
      sums.add(bytes(found));
      return found;
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

  /** Workers of whose steps one is disturbed. */
  private record Disturbed(BatchWorkers workers, int[] steps, int at, Runnable disturbance)
      implements BatchWorkers {
    @Override
    public int count() {
      return workers.count();
    }

    @Override
    public void start(WorkerModel model) {
      workers.start(model);
    }

    @Override
    public List<PartEmbeddings> encode(List<BatchPart> batch, float[] values) {
      return workers.encode(batch, values);
    }

    @Override
    public float[] sendBack(PartEmbeddings gradients) {
      if (++steps[0] == at) {
        disturbance.run();
      }
      return workers.sendBack(gradients);
    }

    @Override
    public void close() {
      workers.close();
    }
  }

  @Test
  void a_step_that_is_lost_with_the_cluster_takes_none_before_it_along(@TempDir Path folder)
      throws IOException {
    UnaryOperator<ClipTrainer.Builder> kept =
        trainer ->
            trainer
                .setOutput(folder)
                .optCheckpoints(checkpoints -> checkpoints.optEverySteps(5).optResume(true));
    Trained alone = train(trainer -> trainer);
    Runnable lost =
        () -> {
          throw new IllegalStateException("no executor is left");
        };
    try (SparkWorkers workers = SparkWorkers.of(session(), 2)) {
      assertThatIllegalStateException()
          .isThrownBy(
              () ->
                  train(
                      trainer ->
                          kept.apply(trainer)
                              .optWorkers(new Disturbed(workers, new int[1], 9, lost))))
          .withMessage("no executor is left");
    }
    long[] resumedAt = new long[1];
    Trained resumed =
        train(
            trainer ->
                kept.apply(trainer)
                    .optListener(
                        progress -> resumedAt[0] = Math.max(resumedAt[0], progress.resumedAt())));
    assertThat(resumedAt[0]).isEqualTo(8);
    assertClose(resumed, alone);
  }

  @Test
  void an_interrupted_training_ends_after_the_step_under_way() throws IOException {
    Trained alone = train(trainer -> trainer);
    try (SparkWorkers workers = SparkWorkers.of(session(), 2)) {
      Trained found =
          train(
              trainer ->
                  trainer.optWorkers(
                      new Disturbed(
                          workers, new int[1], 3, () -> Thread.currentThread().interrupt())));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(found.losses()).containsExactly(Arrays.copyOf(alone.losses(), 3), within(2e-5f));
    }
  }

  @Test
  void two_trainings_at_once_are_those_of_each_alone() throws Exception {
    UnaryOperator<ClipTrainer.Builder> first = trainer -> trainer.optSteps(6);
    UnaryOperator<ClipTrainer.Builder> second = trainer -> trainer.optSteps(6).optSeed(77);
    Trained firstAlone = onSpark(2, first);
    Trained secondAlone = onSpark(2, second);
    FutureTask<Trained> other = new FutureTask<>(() -> onSpark(2, second));
    new Thread(other).start();
    assertBitEqual(onSpark(2, first), firstAlone);
    assertBitEqual(other.get(), secondAlone);
  }

  @Test
  void sums_do_not_depend_on_the_order_in_which_parts_are_ready() {
    Random random = new Random(5);
    for (int count = 1; count <= 20; count++) {
      SumTree tree = SumTree.of(count);
      float[] expected = null;
      for (int round = 0; round < 4; round++) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
        Collections.shuffle(order, random);
        Map<Integer, PartialSums> groups = new HashMap<>();
        Map<Integer, PartialSums> elsewhere = new HashMap<>();
        for (int part : order) {
          float[] values = {1e8f / (part + 1), 0.1f * part, -3e7f * part};
          Tuple2<Integer, PartialSums> leaf = tree.leaf(part, values);
          (random.nextBoolean() ? groups : elsewhere).merge(leaf._1(), leaf._2(), PartialSums::add);
        }
        elsewhere.forEach((group, sums) -> groups.merge(group, sums, PartialSums::add));
        assertThat(groups).hasSize(tree.groups());
        List<Tuple2<Integer, PartialSums>> all = new ArrayList<>();
        groups.forEach((group, sums) -> all.add(new Tuple2<>(group, sums)));
        Collections.shuffle(all, random);
        float[] total = tree.total(all); // each group has come to one sum
        expected = expected == null ? total : expected;
        assertThat(total).isEqualTo(expected);
      }
    }
    assertThat(SumTree.of(5).groups()).isEqualTo(5);
    assertThat(SumTree.of(8).groups()).isEqualTo(3);
    assertThat(SumTree.of(64).groups()).isEqualTo(8);
    assertThatIllegalStateException()
        .isThrownBy(() -> new PartialSums(3).add(0, new float[1]).add(2, new float[1]).total())
        .withMessageContaining("3 parts are not all there");
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
