package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.examples.app.train.QuickstartReport;
import org.clip4j.examples.app.train.StartModel;
import org.clip4j.examples.app.train.TrainingRun;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.examples.options.Range;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.clip4j.weights.Layout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains a small CLIP on generated shapes, then classifies combinations that it never saw. */
@Command(
    name = "Quickstart",
    mixinStandardHelpOptions = true,
    description =
        "Trains a small CLIP on generated pictures of coloured shapes with captions, then classifies pictures of colour and shape"
            + " combinations that it never saw. Writes report.html and the model.")
public final class Quickstart implements Callable<Integer> {

  private static final int IMAGES = 8000;
  private static final int BATCH = 64;

  @Option(names = "--steps", defaultValue = "2000", description = "Training steps.")
  @Range(min = 1)
  private long steps;

  @Option(names = "--seed", defaultValue = "0", description = "Of the weights and the pictures.")
  private long seed;

  @Option(
      names = "--architecture",
      defaultValue = "RN-Ti-32",
      paramLabel = "NAME",
      description = "Of the new model: one that OpenCLIP names, or a JSON file with its model_cfg.")
  private String architecture;

  @Mixin private DeviceOption device;

  @Option(
      names = "--out",
      defaultValue = "quickstart",
      paramLabel = "DIR",
      description = "Where the report and the model go.")
  private Path out;

  public static void main(String... args) {
    System.exit(Examples.run(new Quickstart(), args));
  }

  @Override
  public Integer call() throws IOException {
    try (StartModel start = StartModel.of(architecture, seed, device.device())) {
      ClipModel model = start.model();
      ImageTransform transform = start.transform();
      int size = transform.height();
      ColouredShapes shapes = ColouredShapes.builder().optImageSize(size).optSeed(seed).build();
      System.out.printf(
          Locale.ROOT,
          "%d combinations of colour and shape, of which %d are never trained on.%n",
          shapes.labels().size(),
          shapes.unseenLabels().size());
      TrainingResult result =
          TrainingRun.train(
              ClipTrainer.builder()
                  .setModel(model)
                  .setPairs(shapes.training(IMAGES))
                  .optLayout(Layout.OPENCLIP)
                  .optBatchSize(BATCH)
                  .optSteps(steps)
                  .optSchedule(schedule -> schedule.optLearningRate(3e-3))
                  .optOptimizer(optimizer -> optimizer.optWeightDecay(0.1))
                  .optData(data -> data.optTransform(transform).optSpreadDuplicates(true))
                  .optSeed(seed),
              BATCH,
              out.resolve("model"));
      System.out.println(result);
      if (result.cancelled()) {
        System.out.println(
            "Stopped: the model as it is after step "
                + result.steps()
                + " is in "
                + result.output()
                + "; the same command begins anew");
        return 0;
      }
      QuickstartReport.write(Clip.of(model, transform), shapes, result, out);
    }
    return 0;
  }
}
