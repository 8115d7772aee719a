package org.clip4j.examples.app.average;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.LabelledFormat;
import org.clip4j.examples.options.Models;
import org.clip4j.figure.Numbers;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.GreedySoup;
import org.clip4j.weights.WeightAverage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The mean of several runs. */
@Command(
    name = "soup",
    mixinStandardHelpOptions = true,
    description =
        "Writes the mean of several fine-tuned models. A uniform soup takes all. A greedy soup starts with the best on validation"
            + " images and adds, in descending order, each that does not lower the accuracy of the mean.")
public final class AverageSoup implements Callable<Integer> {
  /** Which runs stay. */
  enum Kind {
    UNIFORM,
    GREEDY
  }

  @Option(
      names = "--run",
      required = true,
      paramLabel = "MODEL",
      description = "A model; several times.")
  private List<String> runs = List.of();

  @Option(names = "--kind", defaultValue = "uniform", description = "${COMPLETION-CANDIDATES}.")
  private Kind kind;

  @Option(
      names = "--validation",
      paramLabel = "DATA",
      description =
          "For a greedy soup: labelled images that trained no run, a folder for each class or a table.")
  private Path validation;

  @Mixin private LabelledFormat data;
  @Mixin private DeviceOptions device;
  @Mixin private WrittenModel written;

  @Override
  public Integer call() throws IOException {
    if (kind == Kind.GREEDY && validation == null) {
      throw new IllegalArgumentException(
          "--kind greedy needs --validation: labelled images by which it chooses among the runs");
    }
    List<Checkpoint> opened = new ArrayList<>();
    try {
      for (String run : runs) {
        opened.add(Models.loader(run).openCheckpoint());
      }
      written.write(kind == Kind.UNIFORM ? WeightAverage.uniform(opened) : greedy(opened));
    } finally {
      for (Checkpoint each : opened) {
        each.close();
      }
    }
    return 0;
  }

  private WeightAverage greedy(List<Checkpoint> opened) throws IOException {
    LabelledImages images = data.images(validation);
    ClassNames classes = data.classes(images);
    MeasuredModel measure = new MeasuredModel(device, classes, data.templates());
    GreedySoup soup =
        GreedySoup.of(
            opened,
            average -> {
              try {
                return measure.accuracy(average, images);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    for (GreedySoup.Trial trial : soup.trials()) {
      System.out.println(
          Numbers.percent(trial.score())
              + "  "
              + names(trial.members())
              + (trial.kept() ? "  (kept)" : ""));
    }
    System.out.println(
        "The soup of " + names(soup.members()) + ": " + Numbers.percent(soup.score()));
    return soup.average();
  }

  private String names(List<Integer> members) {
    return members.stream().map(runs::get).collect(Collectors.joining(" + "));
  }
}
