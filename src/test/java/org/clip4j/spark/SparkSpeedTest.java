package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.clip4j.spark.LocalSpark.GOLDEN;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.clip4j.Clip;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.weights.Layout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Prints how fast executors of one core are beside one process of as many threads, which
 * docs/scaling.md reports. Compares no times.
 */
@Tag("spark")
@Tag("speed")
@Timeout(1200)
class SparkSpeedTest {
  private static final Path MODEL = Path.of("target/vit-s-32").toAbsolutePath();
  private static final Path IMAGE = GOLDEN.resolve("preprocess/baseline.jpg").toAbsolutePath();
  private static final int CORES = Runtime.getRuntime().availableProcessors();
  private static final int IMAGES = 384; // for each executor
  private static final int BATCH = 96;
  private static final int STEPS = 7; // of which the first two are not counted
  private static final int EXECUTORS = 3;

  /** One process: {@code embed}, or {@code train} with the size of a micro-batch. */
  public static void main(String... args) throws IOException {
    System.out.println(
        args[0].equals("embed") ? embedAlone() : stepSeconds(Integer.parseInt(args[1]), null));
  }

  /** What a process of its own prints, which has so many threads. */
  private static double alone(int threads, String... args) throws Exception {
    List<String> command = new ArrayList<>(List.of(SparkSpeedTest.class.getName()));
    command.addAll(List.of(args));
    Process process =
        StandaloneSpark.java(
                List.of(
                    "-Xmx1g",
                    "-XX:ActiveProcessorCount=" + threads,
                    "-Dai.djl.offline=true",
                    "-Dai.djl.pytorch.num_threads=" + threads),
                command.toArray(String[]::new))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    return Double.parseDouble(said.substring(said.trim().lastIndexOf('\n') + 1));
  }

  private static void print(String line, Object... values) {
    System.out.printf(Locale.ROOT, line + "%n", values);
  }

  /** Images a second, the better of two rounds. */
  private static double embedAlone() {
    try (Clip clip = Clip.loader(MODEL).optImagesOnly().load()) {
      List<Path> images = Collections.nCopies(IMAGES, IMAGE);
      clip.encodeImages(images.subList(0, 64));
      double best = 0;
      for (int round = 0; round < 2; round++) {
        long start = System.nanoTime();
        clip.encodeImages(images);
        best = Math.max(best, IMAGES * 1e9 / (System.nanoTime() - start));
      }
      return best;
    }
  }

  @Test
  void embedding() throws Exception {
    try (Clip made =
        Clip.of(
            ClipModel.create(ClipConfig.named("ViT-S-32"), 1), ImageTransform.openai(224, 224))) {
      made.save(MODEL, Layout.OPENCLIP);
    }
    double[] alone = new double[CORES + 1];
    for (int threads = 1; threads <= Math.min(CORES, EXECUTORS); threads++) {
      alone[threads] = alone(threads, "embed");
      print("embed, one process, %d threads: %.1f images/s", threads, alone[threads]);
    }
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(EXECUTORS, Map.of());
      for (int executors = 1; executors <= EXECUTORS; executors++) {
        SparkSession session = spark.session(executors);
        ClipImageEmbedder embedder = new ClipImageEmbedder().setModel(MODEL.toString());
        Dataset<Row> table =
            session
                .range((long) IMAGES * executors)
                .repartition(executors)
                .selectExpr("'" + IMAGE + "' as image");
        double best = 0;
        for (int round = 0; round < 3; round++) { // the first one loads the model
          long start = System.nanoTime();
          long embedded = embedder.transform(table).filter("image_embedding is not null").count();
          assertThat(embedded).isEqualTo((long) IMAGES * executors);
          best = Math.max(best, embedded * 1e9 / (System.nanoTime() - start));
        }
        int cores = Math.min(executors, CORES);
        print(
            "embed, %d executors on %d cores: %.1f images/s, %.1f for each core, %.2f of a process",
            executors, cores, best, best / cores, best / alone[cores]);
      }
    }
  }

  /** Seconds of a step, the median. */
  private static double stepSeconds(int microBatch, BatchWorkers workers) throws IOException {
    List<Long> times = new ArrayList<>();
    try (ClipModel model = ClipModel.create(ClipConfig.named("ViT-Ti-8-64"), 1)) {
      ClipTrainer.Builder trainer =
          ClipTrainer.builder()
              .setModel(model)
              .setPairs(ColouredShapes.builder().optImageSize(64).build().training(BATCH))
              .setOutput(null)
              .optBatchSize(BATCH)
              .optMicroBatchSize(microBatch)
              .optSteps(STEPS)
              .optListener(progress -> times.add(System.nanoTime()));
      if (workers != null) {
        trainer.optWorkers(workers);
      }
      trainer.build().train();
    }
    List<Long> steps = new ArrayList<>();
    for (int i = 2; i < STEPS; i++) {
      steps.add(times.get(i) - times.get(i - 1));
    }
    Collections.sort(steps);
    return steps.get(steps.size() / 2) / 1e9;
  }

  @Test
  void training() throws Exception {
    double[] alone = new double[CORES + 1];
    for (int threads = 1; threads <= Math.min(CORES, EXECUTORS); threads++) {
      double whole = alone(threads, "train", String.valueOf(BATCH));
      alone[threads] = alone(threads, "train", String.valueOf(BATCH / 2));
      print(
          "train, one process, %d threads: %.2f s for a step at once, %.2f s in two micro-batches",
          threads, whole, alone[threads]);
    }
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(EXECUTORS, Map.of());
      for (int executors = 1; executors <= EXECUTORS; executors++) {
        try (SparkWorkers workers = SparkWorkers.of(spark.session(executors), executors)) {
          double seconds = stepSeconds(BATCH, workers);
          int cores = Math.min(executors, CORES);
          print(
              "train, %d executors on %d cores: %.2f s for a step, %.2f of a process",
              executors, cores, seconds, alone[cores] / seconds);
        }
      }
    }
  }
}
