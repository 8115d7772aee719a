package org.clip4j.examples.app.average;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.eval.AlphaSweep;
import org.clip4j.eval.AlphaSweep.Accuracies;
import org.clip4j.eval.AlphaSweep.Point;
import org.clip4j.eval.AlphaSweep.Rule;
import org.clip4j.eval.ShiftEvaluation;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.Numbers;
import org.clip4j.figure.ScatterFigure;
import org.clip4j.figure.ScatterFigure.Dot;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.WeightAverage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The whole line between two models. */
@Command(
    name = "sweep",
    mixinStandardHelpOptions = true,
    description =
        "Measures models between a base and its fine-tuned self on the new task and on shifted images, and writes the best one. What"
            + " chooses alpha never tests it. Writes the model, with report.html and average.json beside it.")
public final class AverageSweep implements Callable<Integer> {
  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .setPrettyPrinting()
          .create();

  @Option(
      names = "--base",
      required = true,
      paramLabel = "MODEL",
      description = "The model before fine-tuning: on the hub, a folder or a weights file.")
  private String base;

  @Option(
      names = "--tuned",
      required = true,
      paramLabel = "MODEL",
      description = "The same after fine-tuning.")
  private String tuned;

  @Option(
      names = "--alphas",
      split = ",",
      defaultValue = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
      description = "The tuned model's shares, from 0 to 1.")
  @Range(min = 0, max = 1)
  private double[] alphas;

  @Mixin private LabelledOptions data;

  @Option(
      names = "--validation",
      paramLabel = "DATA",
      description =
          "Labelled images to choose alpha by, read as --data is. Without it, every second image of --data and of each shifted set"
              + " chooses, and the others test.")
  private Path validation;

  @Option(
      names = "--shifted",
      paramLabel = "NAME=DATA",
      description = "A shifted set of the same classes; several times.")
  private Map<String, Path> shifted = new LinkedHashMap<>();

  @Option(
      names = "--best-by",
      defaultValue = "target",
      description =
          "${COMPLETION-CANDIDATES}: the highest validation accuracy, or the highest mean of it and of that on the shifts.")
  private Rule rule;

  @Mixin private DeviceOptions device;
  @Mixin private WrittenModel written;

  /** Two parts of the images: what alpha is chosen by, and what tests it. */
  private record Sets(
      LabelledImages target, Map<String, LabelledImages> shifted, MeasuredModel measure) {

    Accuracies of(OpenModel model) throws IOException {
      // Without sets of the user's own, the images themselves are spoilt.
      ShiftEvaluation.Result result = measure.measure(model, target, shifted.isEmpty(), shifted);
      return new Accuracies(result.source().top1().get(0).value(), result.mean(0));
    }
  }

  @Override
  public Integer call() throws IOException {
    LabelledImages images = data.images();
    ClassNames classes = data.classes(images);
    MeasuredModel measure = new MeasuredModel(device, classes, data.templates());
    Map<String, LabelledImages> shifts = new LinkedHashMap<>();
    for (Map.Entry<String, Path> each : shifted.entrySet()) {
      shifts.put(each.getKey(), data.images(each.getValue()));
    }
    LabelledImages chooses =
        validation == null ? half(images, 0) : data.images(validation).withLabelsOf(images);
    Sets choosing = new Sets(chooses, halves(shifts, 0), measure);
    Sets testing =
        new Sets(validation == null ? half(images, 1) : images, halves(shifts, 1), measure);
    try (Checkpoint first = Models.loader(base).openCheckpoint();
        Checkpoint second = Models.loader(tuned).openCheckpoint()) {
      System.out.println("alpha   target   shift");
      int[] done = {0};
      List<Double> sorted = Arrays.stream(alphas).sorted().distinct().boxed().toList();
      AlphaSweep sweep =
          AlphaSweep.run(
              first,
              second,
              sorted,
              average -> {
                try (OpenModel model = OpenModel.of(average, device)) {
                  AlphaSweep.Measured found =
                      new AlphaSweep.Measured(choosing.of(model), testing.of(model));
                  System.out.println(line(sorted.get(done[0]++), found.test()));
                  return found;
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      Point best = sweep.best(rule);
      System.out.println("Best by validation: alpha " + Numbers.brief(best.alpha()));
      written.write(WeightAverage.between(first, second, best.alpha()));
      report(sweep, best, images.name(), testing);
    }
    return 0;
  }

  private static String line(double alpha, Accuracies accuracies) {
    return String.format(
        Locale.ROOT,
        "%-7s %-8s %s",
        Numbers.brief(alpha),
        Numbers.percent(accuracies.target()),
        Numbers.percent(accuracies.shift()));
  }

  private static Map<String, LabelledImages> halves(Map<String, LabelledImages> sets, int which) {
    Map<String, LabelledImages> halves = new LinkedHashMap<>();
    sets.forEach((name, images) -> halves.put(name, half(images, which)));
    return halves;
  }

  private static LabelledImages half(LabelledImages images, int which) {
    return ClassParts.of(
        images, which == 0 ? "to choose by" : "to test", place -> place % 2 == which);
  }

  private void report(AlphaSweep sweep, Point best, String name, Sets testing) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("base", base);
    json.addProperty("tuned", tuned);
    json.addProperty("data_set", name);
    json.addProperty("test_images", testing.target.size());
    json.addProperty("best_by", rule.name().toLowerCase(Locale.ROOT));
    json.addProperty("best_alpha", best.alpha());
    json.add("points", GSON.toJsonTree(sweep.points()));
    Files.writeString(written.out.resolve("average.json"), GSON.toJson(json) + "\n");
    List<Dot> dots = new ArrayList<>();
    List<LineFigure.Point> target = new ArrayList<>();
    List<LineFigure.Point> shift = new ArrayList<>();
    HtmlTable table =
        new HtmlTable(0, "Alpha", "Target", "Shift", "Target, validation", "Shift, validation", "");
    for (Point point : sweep.points()) {
      String alpha = Numbers.brief(point.alpha());
      Accuracies test = point.test();
      dots.add(new Dot(alpha, "models by alpha", test.target(), test.shift()));
      target.add(new LineFigure.Point(100 * point.alpha(), test.target()));
      shift.add(new LineFigure.Point(100 * point.alpha(), test.shift()));
      table.row(
          alpha,
          Numbers.percent(test.target()),
          Numbers.percent(test.shift()),
          Numbers.percent(point.validation().target()),
          Numbers.percent(point.validation().shift()),
          point == best ? "best by validation" : "");
    }
    HtmlReport report =
        new HtmlReport(
            "Between two models",
            String.format(
                Locale.ROOT,
                "(1 - alpha) x %s + alpha x %s, zero-shot on %,d images of %s that chose nothing.",
                base,
                tuned,
                testing.target.size(),
                name));
    report.section(
        "Target and shift",
        "Each mark is a model; the line leads from the base, alpha 0, to the tuned model, alpha 1. The shift is the mean over "
            + (shifted.isEmpty()
                ? "the test images spoilt in six ways at five severities."
                : "the shifted sets.")
            + " Where the line bends upwards and to the right, a model between the two is better at both.",
        ScatterFigure.joined("target accuracy", "shift accuracy", dots));
    report.section(
        "Over alpha",
        "",
        LineFigure.over(
            "share of the tuned model, %",
            "top-1 accuracy", List.of(new Series("target", target), new Series("shift", shift))),
        table.html());
    Path file = written.out.resolve("report.html");
    report.write(file);
    System.out.println("Open " + file + " in a browser; every number is in average.json.");
  }
}
