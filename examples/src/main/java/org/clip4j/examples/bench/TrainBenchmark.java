package org.clip4j.examples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.clip4j.data.ImageTextPair;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ImageSource;
import org.clip4j.engine.Precision;
import org.clip4j.examples.app.train.StartModel;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.examples.options.Range;
import org.clip4j.image.RgbImage;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.LoraOptions;
import org.clip4j.train.ClipTrainer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains on noise and prints how fast, loader and optimizer included. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = {
      "Trains on random images and captions and prints samples/s and peak resident memory as JSON.",
      "examples/peers/train_speed.py runs it in turn with OpenCLIP."
    })
public final class TrainBenchmark implements Callable<Integer> {
  @Option(
      names = "--model",
      defaultValue = "ViT-B-32",
      description =
          "An architecture's name, a JSON file with OpenCLIP's model_cfg, or a model's folder or file.")
  private String model;

  @Option(names = "--batch", defaultValue = "32", description = "Pairs of a step.")
  @Range(min = 2)
  private int batch;

  @Option(
      names = "--micro-batch",
      defaultValue = "0",
      description = "Pairs encoded at once (0: the batch size, half of it for an adapter).")
  @Range(min = 0)
  private int microBatch;

  @Mixin private DeviceOption device;

  @Option(names = "--precision", defaultValue = "FP32", description = "${COMPLETION-CANDIDATES}.")
  private Precision precision;

  @Option(
      names = "--tokens",
      defaultValue = "12",
      description = "Tokens of a caption, start and end included.")
  @Range(min = 2)
  private int tokens;

  @Option(
      names = "--lora",
      description = "Trains an adapter of CLIP-LoRA's setting in place of the weights.")
  private boolean lora;

  @Option(names = "--warmup", defaultValue = "3", description = "Steps that are not timed.")
  @Range(min = 1)
  private int warmup;

  @Option(names = "--steps", defaultValue = "10", description = "Steps that are timed.")
  @Range(min = 1)
  private int steps;

  @Override
  public Integer call() throws IOException {
    List<Long> times = new ArrayList<>();
    float[] losses;
    try (StartModel start = StartModel.of(model, 0, device.device())) {
      ClipTrainer.Builder builder =
          ClipTrainer.builder()
              .setModel(start.model())
              .setPairs(noise(start.model().config()))
              .optBatchSize(batch)
              .optSteps(warmup + steps)
              .optSchedule(schedule -> schedule.optLearningRate(1e-4))
              .optPrecision(precision)
              .optListener(progress -> times.add(System.nanoTime()));
      if (microBatch > 0) {
        builder.optMicroBatchSize(microBatch);
      }
      if (lora) {
        builder.optLora(LoraOptions.DEFAULT);
      }
      losses = builder.build().train().losses();
    }
    List<Long> seconds =
        IntStream.range(warmup, times.size())
            .mapToObj(i -> times.get(i) - times.get(i - 1))
            .sorted()
            .toList();
    double total = (times.get(times.size() - 1) - times.get(warmup - 1)) / 1e9;
    System.out.printf(
        Locale.ROOT,
        "{\"samples_per_second\": %.2f, \"median_step\": %.4f, \"peak_mib\": %d, \"last_loss\": %.4f}%n",
        batch * steps / total,
        seconds.get(seconds.size() / 2) / 1e9,
        LoadBenchmark.peakMebibytes(),
        losses[losses.length - 1]);
    return 0;
  }

  /** Two batches of pairs; "a" is one token. */
  private PairSource noise(ClipConfig config) {
    Random random = new Random(0);
    int height = config.vision().imageHeight();
    int width = config.vision().imageWidth();
    List<ImageTextPair> pairs = new ArrayList<>();
    for (int i = 0; i < 2 * batch; i++) {
      byte[] pixels = new byte[3 * height * width];
      random.nextBytes(pixels);
      RgbImage image = new RgbImage(width, height, pixels);
      String name = "noise " + i;
      pairs.add(
          new ImageTextPair(
              new ImageSource() {
                @Override
                public String name() {
                  return name;
                }

                @Override
                public RgbImage read() {
                  return image;
                }
              },
              List.of(InferCases.caption(random, tokens))));
    }
    return Pairs.of(pairs);
  }
}
