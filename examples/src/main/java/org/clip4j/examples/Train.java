package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.examples.app.train.DistillOptions;
import org.clip4j.examples.app.train.FilterOptions;
import org.clip4j.examples.app.train.HeldOutOptions;
import org.clip4j.examples.app.train.LearningOptions;
import org.clip4j.examples.app.train.MonitorOptions;
import org.clip4j.examples.app.train.SavingOptions;
import org.clip4j.examples.app.train.StartModel;
import org.clip4j.examples.app.train.TrainingPairs;
import org.clip4j.examples.app.train.TrainingRun;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.examples.options.PairOptions;
import org.clip4j.examples.options.StepOptions;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.clip4j.weights.Layout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains or fine-tunes a model on your own pairs of images and texts. */
@Command(
    name = "Train",
    mixinStandardHelpOptions = true,
    description = "Trains or fine-tunes a CLIP model on images and captions.")
final class Train implements Callable<Integer> {
  @Mixin private PairOptions data;

  @Mixin private HeldOutOptions heldOut;

  @Option(
      names = "--model",
      defaultValue = "ViT-Ti-8-64",
      paramLabel = "MODEL",
      description =
          "An architecture's name, a JSON file with OpenCLIP's model_cfg, or a model to fine-tune:"
              + " a name on the hub, a folder or a weights file.")
  private String model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where the model goes.")
  private Path out;

  @Mixin private FilterOptions filter;

  @Mixin private DistillOptions distill;

  @Mixin private StepOptions step;

  @Mixin private DeviceOption device;

  @Option(names = "--layout", defaultValue = "OPENCLIP", description = "${COMPLETION-CANDIDATES}.")
  private Layout layout;

  @Mixin private LearningOptions learning;

  @Option(
      names = "--seed",
      defaultValue = "0",
      description = "Of the weights, the order and the split.")
  private long seed;

  @Mixin private SavingOptions saving;

  @Mixin private MonitorOptions monitor;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes losses, speed and evaluations there.")
  private Path json;

  public static void main(String... args) {
    System.exit(Examples.run(new Train(), args));
  }

  @Override
  public Integer call() throws IOException {
    TrainingPairs pairs = heldOut.divide(data.open(), seed, out);
    pairs = new TrainingPairs(filter.apply(pairs.training(), out, device.device()), pairs.split());
    try (DistillOptions.OpenTeacher teacher = distill.open(device.device());
        StartModel start = StartModel.of(model, seed, device.device())) {
      System.out.printf(
          Locale.ROOT,
          "%,d pairs to train on, %,d held out; %,d parameters%n",
          pairs.training().pairsPerEpoch(),
          pairs.heldOut(),
          start.model().parameterCount());
      ClipTrainer.Builder builder =
          ClipTrainer.builder()
              .setModel(start.model())
              .optMadeFrom(start.origins())
              .setPairs(pairs.training())
              .optLayout(layout)
              .optSeed(seed)
              .optTeacher(teacher.teacher())
              .optData(data -> data.optTransform(start.transform()).optTokenizer(start.tokenizer()))
              .optCheckpoints(saving::apply)
              .optEvaluation(monitor.evaluation(pairs.split(), data.decoder()));
      learning.apply(builder);
      step.apply(builder);
      TrainingResult result = TrainingRun.train(builder, learning.batchSize(), out);
      TrainingRun.print(result, out);
      if (result.cancelled()) {
        System.out.println(saving.goOn(result, out));
      }
      if (json != null) {
        Files.writeString(json, TrainingRun.toJson(result).toString());
      }
    }
    return 0;
  }
}
