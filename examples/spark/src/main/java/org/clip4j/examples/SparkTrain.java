package org.clip4j.examples;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import org.clip4j.Clip;
import org.clip4j.data.Pairs;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraOptions;
import org.clip4j.spark.SparkWorkers;
import org.clip4j.text.Tokenizer;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.options.CheckpointOptions;
import org.clip4j.weights.Checkpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains or fine-tunes a model on Apache Spark's executors, with the exact batch. */
@Command(
    name = "SparkTrain",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = {
      "Trains a CLIP model on Spark: executors compute the batch's parts, and the loss is that of",
      "the whole batch. The options that Train has too are the same, and so are the checkpoints:",
      "either resumes the other's."
    })
public final class SparkTrain implements Callable<Integer> {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "TABLE",
      description = "A CSV or TSV file with the columns file and caption, read by the driver.")
  private Path data;

  @Option(
      names = "--model",
      defaultValue = "ViT-Ti-8-64",
      paramLabel = "MODEL",
      description = "An architecture's name, or a model to fine-tune.")
  private String model;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "For the model.")
  private Path out;

  @Option(names = "--batch-size", defaultValue = "128", description = "Pairs of a step.")
  private int batchSize;

  @Option(
      names = "--micro-batch-size",
      defaultValue = "0",
      description = "Pairs that an executor encodes at once (0: its part of the batch).")
  private int microBatchSize;

  @Option(names = "--steps", defaultValue = "0", description = "Steps in all (by epochs).")
  private long steps;

  @Option(names = "--epochs", defaultValue = "30", description = "Passes over the pairs.")
  private int epochs;

  @Option(names = "--lr", defaultValue = "5e-4", description = "The highest learning rate.")
  private double learningRate;

  @Option(
      names = "--warmup",
      defaultValue = "-1",
      description = "Steps of linear warm-up (-1: a twentieth of all).")
  private long warmup;

  @Option(names = "--wd", defaultValue = "0.2", description = "Weight decay.")
  private double weightDecay;

  @Option(
      names = "--max-grad-norm",
      defaultValue = "0",
      description = "The global norm that gradients are scaled down to (0: no limit).")
  private double maxGradientNorm;

  @Option(names = "--precision", defaultValue = "FP32", description = "${COMPLETION-CANDIDATES}.")
  private Precision precision;

  @Option(
      names = "--lora",
      defaultValue = "0",
      paramLabel = "RANK",
      description = "Trains an adapter of this rank in place of the weights; 0 for none.")
  private int lora;

  @Option(names = "--seed", defaultValue = "0", description = "Of the weights and the order.")
  private long seed;

  @Option(
      names = "--checkpoint-steps",
      defaultValue = "0",
      description = "Saves a checkpoint after every so many steps (0: by the clock alone).")
  private long checkpointSteps;

  @Option(
      names = "--checkpoint-minutes",
      defaultValue = "15",
      description = "Saves a checkpoint so many minutes after the last, and at the end (0: not).")
  private double checkpointMinutes;

  @Option(
      names = "--resume",
      description =
          "Goes on from the last checkpoint in --out, of Train or of this, with the options as they"
              + " were.")
  private boolean resume;

  @Option(
      names = "--parts",
      defaultValue = "0",
      description = "Parts of a batch (one for each executor).")
  private int parts;

  @Mixin private SparkOptions options;

  /** Runs it. */
  public static void main(String... args) {
    System.exit(SparkOptions.run(new SparkTrain(), args));
  }

  @Override
  public Integer call() throws IOException {
    if (ClipConfig.names().contains(model)) {
      ClipConfig config = ClipConfig.named(model);
      int height = config.vision().imageHeight();
      try (ClipModel made = ClipModel.create(config, seed)) {
        train(made, ImageTransform.openai(height, config.vision().imageWidth()), null);
      }
      return 0;
    }
    try (Checkpoint checkpoint = Clip.loader(model).openCheckpoint();
        ClipModel loaded =
            ClipModel.load(checkpoint.config(), checkpoint.parameters(), Device.cpu())) {
      train(loaded, checkpoint.transform(), checkpoint.tokenizer().orElse(null));
    }
    return 0;
  }

  private void train(ClipModel start, ImageTransform transform, Tokenizer tokenizer)
      throws IOException {
    ClipTrainer.Builder builder =
        ClipTrainer.builder()
            .setModel(start)
            .setPairs(Pairs.table(data).setColumns("file", "caption").build())
            .setOutput(out)
            .optBatchSize(batchSize)
            .optEpochs(epochs)
            .optSeed(seed)
            .optPrecision(precision)
            .optData(data -> data.optTransform(transform).optTokenizer(tokenizer))
            .optOptimizer(
                options -> options.optWeightDecay(weightDecay).optMaxGradientNorm(maxGradientNorm))
            .optSchedule(schedule -> schedule.optLearningRate(learningRate))
            .optCheckpoints(this::checkpoints)
            .optListener(
                progress ->
                    System.out.printf(
                        Locale.ROOT,
                        "step %,d of %,d: loss %.4f, %.1f pairs/s%n",
                        progress.step(),
                        progress.totalSteps(),
                        progress.loss(),
                        progress.samplesPerSecond()));
    if (steps > 0) {
      builder.optSteps(steps);
    }
    if (microBatchSize > 0) {
      builder.optMicroBatchSize(microBatchSize);
    }
    if (warmup >= 0) {
      builder.optSchedule(schedule -> schedule.optWarmupSteps(warmup));
    }
    if (lora > 0) {
      builder.optLora(LoraOptions.builder().optRank(lora).build());
    }
    try (SparkSession spark = options.session("SparkTrain");
        SparkWorkers workers = parts > 0 ? SparkWorkers.of(spark, parts) : SparkWorkers.of(spark)) {
      TrainingResult result = builder.optWorkers(workers).build().train();
      System.out.printf(
          Locale.ROOT, "%,d steps; the model is in %s%n", result.steps(), result.output());
    }
  }

  private void checkpoints(CheckpointOptions.Builder checkpoints) {
    checkpoints.optResume(resume);
    if (checkpointSteps > 0) {
      checkpoints.optEverySteps(checkpointSteps);
    }
    if (checkpointMinutes > 0) {
      checkpoints.optEveryMinutes(checkpointMinutes);
    }
  }
}
