package org.clip4j.examples;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.clip4j.data.LabelledImages;
import org.clip4j.eval.ClassNames;
import org.clip4j.eval.ClassWeights;
import org.clip4j.eval.EffectiveRobustness.Point;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.ShiftEvaluation;
import org.clip4j.examples.ShiftSections.Robustness;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Accuracy on shifted sets against a source set. */
@Command(
    name = "shift",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description =
        "Compares zero-shot accuracy on labelled images with that on the same images spoilt in six ways at five severities, and on"
            + " shifted sets of your own; effective robustness against baselines. Writes report.html and shift.json.")
final class EvaluateShift implements Callable<Integer> {
  static final String ZERO_SHOT = "zero-shot";

  @Mixin private EvaluateOptions options;
  @Mixin private LabelledOptions data;

  @Option(
      names = "--shifted",
      paramLabel = "NAME=DATA",
      description =
          "A shifted set of the same classes, read as --data is; may be given several times.")
  private Map<String, Path> shifted = new LinkedHashMap<>();

  @Option(names = "--no-corruptions", description = "Only the shifted sets, no spoilt images.")
  private boolean noCorruptions;

  @Option(
      names = "--baseline",
      paramLabel = "MODEL",
      description =
          "A model that effective robustness is measured against; give at least three. Probes on the model's own embeddings are"
              + " baselines in 'Evaluate shapes'.")
  private List<String> baselines = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    LabelledImages source = data.images();
    ClassNames classes = data.classes(source);
    ShiftEvaluation.Result result = run(options.model, source, classes);
    Map<String, ShiftEvaluation.Result> others = new LinkedHashMap<>();
    for (String baseline : baselines) {
      others.put(baseline, run(baseline, source, classes));
    }
    List<String> shifts = new ArrayList<>();
    shifts.add(null); // the mean of all
    shifts.addAll(result.shifts());
    List<Robustness> robustness = new ArrayList<>();
    for (String shift : shifts) {
      List<Point> points = new ArrayList<>();
      others.forEach(
          (name, other) -> {
            Point point = other.point(shift, 0);
            points.add(new Point(name, point.source(), point.shifted()));
          });
      List<Point> judged = List.of(result.point(shift, 0));
      robustness.add(Robustness.of(shift, judged, points, result.source().images()));
    }
    System.out.printf("source      %s%n", EvaluateOptions.percent(result.source().top1().get(0)));
    for (String shift : result.shifts()) {
      System.out.printf("%-11s %s%n", shift, Plot.percent(result.mean(shift, 0)));
    }
    JsonObject json = new JsonObject();
    json.addProperty("data_set", source.name());
    json.add("shift", EvaluateOptions.toJson(result));
    json.add("baselines", EvaluateOptions.toJson(others));
    json.add("robustness", EvaluateOptions.toJson(robustness));
    options.write("shift.json", json);
    HtmlReport report =
        new HtmlReport(
            "Distribution shift",
            "%s on %s: %,d images of %,d classes, and shifted sets."
                .formatted(
                    options.model,
                    source.name(),
                    result.source().images(),
                    source.labels().size()));
    ShiftSections.accuracies(report, result, 0);
    ShiftSections.table(report, result);
    ShiftSections.robustness(report, robustness, ZERO_SHOT);
    options.write(report, "shift.json");
    return 0;
  }

  private ShiftEvaluation.Result run(String name, LabelledImages source, ClassNames classes)
      throws IOException {
    try (OpenModel model = OpenModel.load(name)) {
      float[][] weights =
          ClassWeights.ofClasses(
              model.encoder(), classes.match(source.labels()).names(), data.templates());
      ShiftEvaluation.Builder builder =
          ShiftEvaluation.builder()
              .setSource(source)
              .setClasses(classes)
              .setClassifier(ZERO_SHOT, EmbeddingClassifier.cosine(weights))
              .optResamples(options.resamples)
              .optSeed(options.seed);
      if (!noCorruptions) {
        builder.optCorruptions(options.seed);
      }
      for (Map.Entry<String, Path> entry : shifted.entrySet()) {
        builder.optShift(entry.getKey(), data.images(entry.getValue()));
      }
      ShiftEvaluation evaluation = builder.build();
      try (CountBar bar = new CountBar(name, evaluation.images())) {
        return builder.optProgress(bar).build().run(model.encoder());
      }
    }
  }
}
