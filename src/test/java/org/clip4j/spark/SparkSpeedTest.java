package org.clip4j.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.clip4j.spark.LocalSpark.GOLDEN;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
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
 * Prints how fast executors of one core are beside one process of as many threads, by the clock and
 * by the processor time that they use, which docs/scaling.md reports. Compares no times.
 */
@Tag("spark")
@Tag("speed")
@Timeout(1200)
class SparkSpeedTest {
  private static final Path MODEL = Path.of("target/vit-s-32").toAbsolutePath();
  private static final Path IMAGE = GOLDEN.resolve("preprocess/baseline.jpg").toAbsolutePath();
  private static final int CORES = Runtime.getRuntime().availableProcessors();
  private static final int IMAGES = 256; // for each executor
  private static final int BATCH = 96;
  private static final int STEPS = 7;
  private static final int WARMUP = 2; // of which
  private static final int EXECUTORS = 3;

  /**
   * What work took.
   *
   * @param seconds by the clock
   * @param used seconds of processor time
   */
  private record Time(double seconds, double used) {
    static Time now(DoubleSupplier used) {
      return new Time(System.nanoTime() / 1e9, used.getAsDouble());
    }

    Time since(Time start) {
      return new Time(seconds - start.seconds, used - start.used);
    }

    Time each(int count) {
      return new Time(seconds / count, used / count);
    }
  }

  /** Processor time of this process. */
  private static double ownSeconds() {
    Duration used = ProcessHandle.current().info().totalCpuDuration().orElseThrow();
    return used.toNanos() / 1e9;
  }

  /** One process: {@code embed}, or {@code train} with the size of a micro-batch. */
  public static void main(String... args) throws IOException {
    Time time =
        args[0].equals("embed")
            ? embedAlone()
            : step(Integer.parseInt(args[1]), null, SparkSpeedTest::ownSeconds);
    System.out.println(time.seconds + " " + time.used);
  }

  /** What a process of its own measures, which has so many threads. */
  private static Time alone(int threads, String... args) throws Exception {
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
    String[] values = said.substring(said.trim().lastIndexOf('\n') + 1).trim().split(" ");
    return new Time(Double.parseDouble(values[0]), Double.parseDouble(values[1]));
  }

  private static void print(String line, Object... values) {
    System.out.printf(Locale.ROOT, line + "%n", values);
  }

  /** Time of an image. */
  private static Time embedAlone() {
    try (Clip clip = Clip.loader(MODEL).optImagesOnly().load()) {
      List<Path> images = Collections.nCopies(IMAGES, IMAGE);
      clip.encodeImages(images.subList(0, 64));
      Time start = Time.now(SparkSpeedTest::ownSeconds);
      clip.encodeImages(images);
      clip.encodeImages(images);
      return Time.now(SparkSpeedTest::ownSeconds).since(start).each(2 * IMAGES);
    }
  }

  @Test
  void embedding() throws Exception {
    try (Clip made =
        Clip.of(
            ClipModel.create(ClipConfig.named("ViT-S-32"), 1), ImageTransform.openai(224, 224))) {
      made.save(MODEL, Layout.OPENCLIP);
    }
    Time[] alone = new Time[CORES + 1];
    for (int threads = 1; threads <= Math.min(CORES, EXECUTORS); threads++) {
      alone[threads] = alone(threads, "embed");
      print(
          "embed, one process, %d threads: %.1f images/s, %.2f core-ms an image",
          threads, 1 / alone[threads].seconds, 1000 * alone[threads].used);
    }
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(EXECUTORS, Map.of());
      for (int executors = 1; executors <= EXECUTORS; executors++) {
        SparkSession session = spark.session(executors);
        ClipImageEmbedder embedder = new ClipImageEmbedder().setModel(MODEL.toString());
        int count = IMAGES * executors;
        Dataset<Row> table =
            session.range(count).repartition(executors).selectExpr("'" + IMAGE + "' as image");
        Time start = null;
        for (int round = 0; round < 3; round++) {
          if (round == 1) { // the model is there
            start = Time.now(spark::executorSeconds);
          }
          assertThat(embedder.transform(table).filter("image_embedding is not null").count())
              .isEqualTo(count);
        }
        Time found = Time.now(spark::executorSeconds).since(start).each(2 * count);
        int cores = Math.min(executors, CORES);
        print(
            "embed, %d executors on %d cores: %.1f images/s, %.2f of a process; %.2f core-ms an"
                + " image, %.2f",
            executors,
            cores,
            1 / found.seconds,
            alone[cores].seconds / found.seconds,
            1000 * found.used,
            alone[1].used / found.used);
      }
    }
  }

  /** Time of a step. */
  private static Time step(int microBatch, BatchWorkers workers, DoubleSupplier used)
      throws IOException {
    List<Time> times = new ArrayList<>();
    try (ClipModel model = ClipModel.create(ClipConfig.named("ViT-Ti-8-64"), 1)) {
      ClipTrainer.Builder trainer =
          ClipTrainer.builder()
              .setModel(model)
              .setPairs(ColouredShapes.builder().optImageSize(64).build().training(BATCH))
              .setOutput(null)
              .optBatchSize(BATCH)
              .optMicroBatchSize(microBatch)
              .optSteps(STEPS)
              .optListener(progress -> times.add(Time.now(used)));
      if (workers != null) {
        trainer.optWorkers(workers);
      }
      trainer.build().train();
    }
    return times.get(STEPS - 1).since(times.get(WARMUP - 1)).each(STEPS - WARMUP);
  }

  @Test
  void training() throws Exception {
    Time[] alone = new Time[CORES + 1];
    for (int threads = 1; threads <= Math.min(CORES, EXECUTORS); threads++) {
      Time whole = alone(threads, "train", String.valueOf(BATCH));
      alone[threads] = alone(threads, "train", String.valueOf(BATCH / 2));
      print(
          "train, one process, %d threads: %.2f s a step at once (%.2f core-s), %.2f s in two"
              + " micro-batches (%.2f core-s)",
          threads, whole.seconds, whole.used, alone[threads].seconds, alone[threads].used);
    }
    try (StandaloneSpark spark = new StandaloneSpark()) {
      spark.worker(EXECUTORS, Map.of());
      for (int executors = 1; executors <= EXECUTORS; executors++) {
        DoubleSupplier used = () -> ownSeconds() + spark.executorSeconds();
        try (SparkWorkers workers = SparkWorkers.of(spark.session(executors), executors)) {
          Time found = step(BATCH, workers, used);
          int cores = Math.min(executors, CORES);
          print(
              "train, %d executors on %d cores: %.2f s a step, %.2f of a process; %.2f core-s with"
                  + " the driver's, %.2f",
              executors,
              cores,
              found.seconds,
              alone[cores].seconds / found.seconds,
              found.used,
              alone[1].used / found.used);
        }
      }
    }
  }
}
