package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.clip4j.spark.LocalSpark.GOLDEN;
import static org.clip4j.spark.LocalSpark.MODEL;
import static org.clip4j.spark.LocalSpark.floats;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.clip4j.Clip;
import org.clip4j.eval.ClassMetrics;
import org.clip4j.eval.Retrieval;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.workers.BatchPart;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.train.workers.PartEmbeddings;
import org.clip4j.train.workers.WorkerModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Executors in processes of their own, under a standalone master on this machine. */
@Tag("spark")
@Timeout(600)
class StandaloneSparkTest {

  /** What a training leaves. */
  private record Trained(float[] losses, Map<String, float[]> weights) {
    void assertSame(Trained expected) {
      assertThat(losses).isEqualTo(expected.losses);
      expected.weights.forEach((name, all) -> assertThat(weights.get(name)).isEqualTo(all));
    }

    void assertClose(Trained expected, float tolerance) {
      assertThat(losses).containsExactly(expected.losses, within(tolerance));
      expected.weights.forEach(
          (name, all) ->
              assertThat(weights.get(name)).as(name).containsExactly(all, within(tolerance)));
    }
  }

  private static Trained train(int steps, BatchWorkers workers) throws IOException {
    try (ClipModel model = ClipModel.create(SmallTraining.VIT, 3)) {
      ClipTrainer.Builder trainer =
          SmallTraining.builder(model, null).optSteps(steps).optMicroBatchSize(4);
      if (workers != null) {
        trainer.optWorkers(workers);
      }
      float[] losses = trainer.build().train().losses();
      return new Trained(losses, SmallTraining.weights(model));
    }
  }

  private static Trained onSpark(SparkSession session, int steps, int parts) throws IOException {
    try (SparkWorkers workers = SparkWorkers.of(session, parts)) {
      return train(steps, workers);
    }
  }

  /**
   * Kills executors.
   *
   * @param calls of the two of each step so far
   * @param before calls before which one is killed: an even one when the parts are encoded
   * @param amid calls amid which one is killed
   */
  private record Killing(
      BatchWorkers workers,
      StandaloneSpark spark,
      int[] calls,
      Set<Integer> before,
      Set<Integer> amid)
      implements BatchWorkers {
    private void call() {
      calls[0]++;
      if (before.contains(calls[0])) {
        spark.killOneExecutor();
      }
      if (amid.contains(calls[0])) {
        new Thread(
                () -> {
                  LockSupport.parkNanos(20_000_000);
                  spark.killOneExecutor();
                })
            .start();
      }
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
    public List<PartEmbeddings> encode(List<BatchPart> parts, float[] weights) {
      call();
      return workers.encode(parts, weights);
    }

    @Override
    public float[] sendBack(PartEmbeddings gradients) {
      call();
      return workers.sendBack(gradients);
    }

    @Override
    public void close() {
      workers.close();
    }
  }

  @Test
  void two_executors_embed_and_train_and_a_killed_one_costs_a_retry_alone() throws Exception {
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(2, Map.of());
      SparkSession session = spark.connect(2);
      assertThat(SparkWorkers.of(session).count()).isEqualTo(2); // which it has waited for
      embeds(session);
      searches(session);

      Trained two = onSpark(session, 6, 2);
      two.assertClose(train(6, null), 2e-5f);
      try (SparkWorkers workers = SparkWorkers.of(session, 2)) {
        train(6, new Killing(workers, spark, new int[1], Set.of(6), Set.of())).assertSame(two);
      }
    }
  }

  @Test
  @Tag("slow")
  void an_executor_may_be_killed_at_any_time() throws Exception {
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(2, Map.of());
      SparkSession session = spark.session(2);
      Trained eight = onSpark(session, 6, 8); // three groups, which executors sum
      eight.assertClose(train(6, null), 2e-5f);
      try (SparkWorkers workers = SparkWorkers.of(session, 8)) {
        // Between two steps, while parts are encoded, between the two halves, and in the second
        // one.
        train(6, new Killing(workers, spark, new int[1], Set.of(3, 8), Set.of(5, 10)))
            .assertSame(eight);
      }
    }
  }

  private static void embeds(SparkSession session) {
    Path image = GOLDEN.resolve("preprocess/rgb.png").toAbsolutePath();
    StructType schema = new StructType().add("image", DataTypes.StringType);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      rows.add(RowFactory.create(i == 5 ? image + ".lost" : image.toString()));
    }
    Dataset<Row> table = session.createDataFrame(rows, schema).repartition(4);
    ClipImageEmbedder shared = new ClipImageEmbedder().setModel(MODEL.toAbsolutePath().toString());
    ClipImageEmbedder shipped = new ClipImageEmbedder().setModel(MODEL.toString());
    try (Clip clip = Clip.load(MODEL)) {
      float[] expected = clip.encodeImage(image);
      for (ClipImageEmbedder embedder : List.of(shared, shipped.setShipModel(true))) {
        int found = 0;
        for (Row row : embedder.transform(table).collectAsList()) {
          float[] embedding = floats(row, "image_embedding");
          if (embedding == null) {
            assertThat(row.<String>getAs("image_embedding_error")).contains(".lost");
          } else {
            assertThat(embedding).containsExactly(expected, within(1e-6f));
            found++;
          }
        }
        assertThat(found).isEqualTo(7);
      }
    }
    Dataset<Row> unknown = new ClipImageEmbedder().setModel("/nowhere/model").transform(table);
    assertThatThrownBy(unknown::collectAsList)
        .hasStackTraceContaining("executor")
        .hasStackTraceContaining("cannot load the model '/nowhere/model'");
  }

  /** What is merged goes from one executor to another. */
  private static void searches(SparkSession session) {
    StructType schema =
        new StructType()
            .add("id", DataTypes.StringType)
            .add("embedding", DataTypes.createArrayType(DataTypes.FloatType))
            .add("label", DataTypes.StringType);
    float[][] corners = {{1, 0}, {0, 1}, {0.6f, 0.8f}};
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      rows.add(RowFactory.create("row" + (10 + i), corners[i % 3], i % 3 == 0 ? "x" : "y"));
    }
    Dataset<Row> table = session.createDataFrame(rows, schema).repartition(12);
    Dataset<Row> query = table.filter("id = 'row12'");
    List<Row> found = TableSearch.topK(table, query, "id", "embedding", 2).collectAsList();
    assertThat(found.get(1).getString(2)).isEqualTo("row15");
    ClassMetrics metrics =
        TableEvaluation.zeroShot(
            table,
            "id",
            "embedding",
            "label",
            List.of("x", "y"),
            new float[][] {corners[0], corners[1]});
    assertThat(metrics.confusion()).isDeepEqualTo(new long[][] {{10, 0}, {0, 20}});
    assertThat(TableEvaluation.retrieval(table, table, "id", "embedding").textToImage())
        .isEqualTo(new Retrieval.Recall(0, 0, 1)); // nine others are as similar, and rank before it
  }

  @Test
  @Tag("slow")
  void twenty_steps_on_one_two_and_three_executors_are_those_of_one_process() throws Exception {
    Trained alone = train(20, null);
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(3, Map.of());
      for (int executors = 1; executors <= 3; executors++) {
        SparkSession session = spark.session(executors);
        Trained found = onSpark(session, 20, executors);
        found.assertClose(alone, 2e-5f);
        onSpark(session, 20, executors).assertSame(found);
      }
    }
  }

  @Test
  @Tag("slow")
  void executors_with_other_processors_agree_within_rounding() throws Exception {
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(1, Map.of());
      spark.worker(1, Map.of("ATEN_CPU_CAPABILITY", "default", "ONEDNN_MAX_CPU_ISA", "SSE41"));
      SparkSession session = spark.session(2);
      onSpark(session, 20, 2).assertClose(train(20, null), 1e-4f);

      Path image = GOLDEN.resolve("preprocess/rgb.png").toAbsolutePath();
      Dataset<Row> table =
          session.range(8).repartition(8).selectExpr("'" + image + "' as image"); // both have some
      float[][] found =
          new ClipImageEmbedder()
              .setModel(MODEL.toAbsolutePath().toString()).transform(table).collectAsList().stream()
                  .map(row -> floats(row, "image_embedding"))
                  .toArray(float[][]::new);
      float largest = 0;
      for (float[] embedding : found) {
        for (int i = 0; i < embedding.length; i++) {
          largest = Math.max(largest, Math.abs(embedding[i] - found[0][i]));
        }
      }
      assertThat(found).hasDimensions(8, found[0].length);
      assertThat(largest).isPositive().isLessThan(1e-5f); // other kernels, and the same numbers
    }
  }
}
