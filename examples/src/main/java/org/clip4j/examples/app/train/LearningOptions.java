package org.clip4j.examples.app.train;

import org.clip4j.examples.options.Range;
import org.clip4j.model.LoraOptions;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.options.DataOptions;
import picocli.CommandLine.Option;

/** Options that say how long and how fast a model learns, and from how much at once. */
public final class LearningOptions {
  @Option(names = "--batch-size", defaultValue = "128")
  @Range(min = 2)
  private int batchSize;

  @Option(
      names = "--micro-batch-size",
      defaultValue = "0",
      description =
          "Pairs encoded at once, to bound memory (0: the batch size, half of it for an adapter).")
  @Range(min = 0)
  private int microBatchSize;

  @Option(names = "--epochs", defaultValue = "30")
  @Range(min = 1)
  private int epochs;

  @Option(
      names = "--steps",
      defaultValue = "0",
      description = "Steps in all, in place of epochs (0: by epochs).")
  @Range(min = 0)
  private long steps;

  @Option(names = "--lr", defaultValue = "5e-4", description = "The highest learning rate.")
  @Range(min = 0)
  private double learningRate;

  @Option(
      names = "--warmup",
      defaultValue = "-1",
      description = "Steps of linear warm-up (-1: a twentieth of all).")
  @Range(min = -1)
  private long warmup;

  @Option(
      names = "--max-grad-norm",
      defaultValue = "0",
      description = "The global norm that gradients are scaled down to (0: no limit).")
  @Range(min = 0)
  private double maxGradientNorm;

  @Option(
      names = "--decode-threads",
      defaultValue = "0",
      description = "Threads that decode images (0: one less than there are cores).")
  @Range(min = 0)
  private int decodeThreads;

  @Option(
      names = "--image-cache-mb",
      paramLabel = "MB",
      description = "Memory in which transformed images are kept (a quarter of the heap).")
  @Range(min = 0)
  private Long imageCacheMegabytes;

  @Option(
      names = "--max-skipped-share",
      defaultValue = "0.01",
      paramLabel = "SHARE",
      description = "Share of damaged pairs beyond which the training ends.")
  @Range(min = 0, max = 1)
  private double maxSkippedShare;

  @Option(
      names = "--lora",
      paramLabel = "RANK",
      description =
          "Trains an adapter of this rank on query, key and value in place of the weights, and saves"
              + " it alone, as Python's peft does (CLIP-LoRA's rank is 2).")
  @Range(min = 1)
  private Integer loraRank;

  @Option(names = "--wd", defaultValue = "0.2", description = "Weight decay.")
  @Range(min = 0)
  private double weightDecay;

  /** Pairs in a step. */
  public int batchSize() {
    return batchSize;
  }

  /** Sets what was said. */
  public void apply(ClipTrainer.Builder builder) {
    builder
        .optBatchSize(batchSize)
        .optEpochs(epochs)
        .optData(this::data)
        .optOptimizer(
            options -> options.optWeightDecay(weightDecay).optMaxGradientNorm(maxGradientNorm))
        .optSchedule(options -> options.optLearningRate(learningRate));
    if (loraRank != null) {
      builder.optLora(LoraOptions.builder().optRank(loraRank).build());
    }
    if (microBatchSize > 0) {
      builder.optMicroBatchSize(microBatchSize);
    }
    if (steps > 0) {
      builder.optSteps(steps);
    }
    if (warmup >= 0) {
      builder.optSchedule(options -> options.optWarmupSteps(warmup));
    }
  }

  private void data(DataOptions.Builder options) {
    options.optMaxSkippedShare(maxSkippedShare);
    if (decodeThreads > 0) {
      options.optDecodeThreads(decodeThreads);
    }
    if (imageCacheMegabytes != null) {
      options.optImageCacheBytes(imageCacheMegabytes << 20);
    }
  }
}
