package org.clip4j.examples.app.tune;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.eval.AlphaSweep;
import org.clip4j.examples.app.tune.FineTuning.Measured;
import org.clip4j.examples.app.tune.FineTuning.Outcome;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is fine-tuned on what, and how; and doing so. */
public final class FineTuneOptions {
  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Models.NAME)
  private String model;

  @Mixin private LabelledOptions data;

  @Option(
      names = "--caption-column",
      paramLabel = "NAME",
      split = ",",
      description =
          "Takes --data as image-caption pairs, whose images are to be found by their captions: the column, or several separated by"
              + " commas, of a table's captions, or the key of a .jsonl file's. For a folder of images with .txt files beside them, any name.")
  private String[] captionColumns;

  @Option(
      names = "--test",
      paramLabel = "DATA",
      description =
          "Images to test the new task on, read as --data is. Without it, every fifth image of --data, of each class where there are"
              + " classes.")
  private Path test;

  @Option(
      names = "--keep",
      paramLabel = "DATA",
      description =
          "Labelled images of what must not be forgotten: a folder with a folder of images for each class, or a table with the label"
              + " column; labels are class names. One half chooses alpha, the other tests.")
  private Path keep;

  @Option(
      names = "--shifted",
      paramLabel = "NAME=DATA",
      description =
          "A shifted set of the new task, read as --data is; several times. Without it, the test images are spoilt.")
  private Map<String, Path> shifted = new LinkedHashMap<>();

  @Option(
      names = "--method",
      split = ",",
      defaultValue = "lora",
      description = "${COMPLETION-CANDIDATES}; several separated by commas.")
  private TuneMethod[] methods;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where the report and the models go, a folder for each method.")
  private Path out;

  @Option(
      names = "--epochs",
      defaultValue = "0",
      description = "Passes over the images (0: by method and number of images).")
  @Range(min = 0)
  private int epochs;

  @Option(
      names = "--batch-size",
      defaultValue = "0",
      description = "Pairs in a step (0: 32 below 300 images, 64 below 3,000, else 128).")
  @Range(min = 0)
  private int batchSize;

  @Option(
      names = "--micro-batch-size",
      defaultValue = "0",
      description =
          "Pairs encoded at once, to bound memory (0: the batch size, half of it for an adapter).")
  @Range(min = 0)
  private int microBatchSize;

  @Option(
      names = "--lr",
      split = ",",
      paramLabel = "METHOD=RATE",
      description =
          "The highest learning rates (lora=2e-4, full=1e-5, flyp=1e-5, head=1e-4, which suit large published models).")
  @Range(min = 0)
  private Map<TuneMethod, Double> learningRates = new LinkedHashMap<>();

  @Option(
      names = "--alphas",
      split = ",",
      defaultValue = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
      description = "The tuned model's shares, from 0 to 1.")
  @Range(min = 0, max = 1)
  private double[] alphas;

  @Option(
      names = "--best-by",
      defaultValue = "mean",
      description =
          "${COMPLETION-CANDIDATES}: alpha by the highest measure of the new task, or by the highest mean of it and of what is kept.")
  private AlphaSweep.Rule rule;

  @Option(names = "--seed", defaultValue = "0", description = "Of order and prompts.")
  private long seed;

  @Mixin private DeviceOptions device;

  /** Trains and measures each method, and writes the report. */
  public void run() throws IOException {
    Files.createDirectories(out);
    TuneTask task =
        captionColumns == null
            ? LabelledTask.of(data, test, shifted, device)
            : CaptionTask.of(data, captionColumns, test, shifted);
    KeptTask kept = keep == null ? null : KeptTask.of(data.images(keep), data.templates(), device);
    List<TuneMethod> chosen = Arrays.stream(methods).distinct().toList();
    chosen.forEach(task::pairs); // one that does not suit is refused before others train
    FineTuning tuning =
        new FineTuning(
            model,
            task,
            kept,
            new FineTuning.Settings(
                epochs,
                batchSize,
                microBatchSize,
                learningRates,
                Arrays.stream(alphas).boxed().toList(),
                rule,
                seed),
            device,
            out);
    Measured base = tuning.base(chosen);
    List<Outcome> outcomes = new ArrayList<>();
    for (TuneMethod method : chosen) {
      Outcome outcome = tuning.run(method);
      outcomes.add(outcome);
      System.out.println(FineTuning.line(outcome));
      new TuneReport(model, task, kept, rule, base, outcomes).write(out); // what is done is there
    }
    System.out.println(
        "Open "
            + out.resolve("report.html")
            + " in a browser; every number is in fine-tune.json, and METHOD/model has each method's model.");
  }
}
