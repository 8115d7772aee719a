package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ClassWeights;
import org.clip4j.encode.Encoder;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.ShiftEvaluation;
import org.clip4j.eval.probe.LinearProbe;
import org.clip4j.eval.probe.ProbeBaselines;
import org.clip4j.examples.app.evaluate.ShiftSections.Robustness;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.figure.Numbers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Accuracy on shifted sets against a source set. */
@Command(
    name = "shift",
    mixinStandardHelpOptions = true,
    description =
        "Compares zero-shot accuracy on labelled images with that on the same images spoilt in six ways at five severities, and on"
            + " shifted sets of your own; effective robustness against baselines. Writes report.html and shift.json.")
public final class EvaluateShift implements Callable<Integer> {
  static final String ZERO_SHOT = "zero-shot";
  static final String PROBE = "linear probe";

  /** Draws of each number of shots, for the baselines. */
  static final int DRAWS = 2;

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
      names = "--train",
      paramLabel = "DATA",
      description =
          "Labelled images of the same classes, read as --data is, to fit linear probes on: one on all of them, and baselines for"
              + " effective robustness on 1, 2, 4, … of each class.")
  private Path train;

  @Option(
      names = "--baseline",
      paramLabel = "NAME=MODEL",
      description =
          "Another model, with a probe on its embeddings as one more baseline; needs --train. May be given several times.")
  private Map<String, String> baselines = new LinkedHashMap<>();

  @Override
  public Integer call() throws IOException {
    LabelledImages source = data.images();
    ClassNames classes = data.classes(source);
    if (train == null && !baselines.isEmpty()) {
      throw new IllegalArgumentException(
          "--baseline needs --train: baselines are probes fitted on labelled images");
    }
    ShiftEvaluation.Result result = run(options.model, source, classes, true);
    Map<String, ShiftEvaluation.Result> others = new LinkedHashMap<>();
    for (Map.Entry<String, String> baseline : baselines.entrySet()) {
      others.put(baseline.getKey(), run(baseline.getValue(), source, classes, false));
    }
    List<Robustness> robustness = ShiftSections.robustness(result, others);
    System.out.printf(
        Locale.ROOT, "source      %s%n", EvaluateOptions.percent(result.source().top1().get(0)));
    for (String shift : result.shifts()) {
      System.out.printf(Locale.ROOT, "%-11s %s%n", shift, Numbers.percent(result.mean(shift, 0)));
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
            String.format(
                Locale.ROOT,
                "%s on %s: %,d images of %,d classes, and shifted sets.",
                options.model,
                source.name(),
                result.source().images(),
                source.labels().size()));
    int shown = train == null ? 1 : 2;
    for (int k = 0; k < shown; k++) {
      ShiftSections.accuracies(report, result, k);
    }
    ShiftSections.table(report, result, shown);
    ShiftSections.robustness(report, robustness, ZERO_SHOT);
    options.write(report, "shift.json");
    return 0;
  }

  private ShiftEvaluation.Result run(
      String name, LabelledImages source, ClassNames classes, boolean fewShot) throws IOException {
    try (OpenModel model = OpenModel.load(name, options.device)) {
      ClassNames.Matched matched = classes.match(source.labels());
      float[][] weights =
          ClassWeights.ofClasses(model.encoder(), matched.names(), data.templates());
      ShiftEvaluation evaluation =
          ShiftEvaluation.of(source, classes)
              .setClassifier(ZERO_SHOT, EmbeddingClassifier.cosine(weights))
              .optResamples(options.resamples)
              .optSeed(options.seed);
      if (train != null) {
        addProbes(evaluation, model.encoder(), source, matched, fewShot);
      }
      if (!noCorruptions) {
        evaluation.optCorruptions(options.seed);
      }
      for (Map.Entry<String, Path> entry : shifted.entrySet()) {
        evaluation.optShift(entry.getKey(), data.images(entry.getValue()));
      }
      try (Progress bar = new Progress(name, evaluation.images())) {
        return evaluation.optProgress(bar).run(model.encoder());
      }
    }
  }

  private void addProbes(
      ShiftEvaluation evaluation,
      Encoder encoder,
      LabelledImages source,
      ClassNames.Matched classes,
      boolean fewShot)
      throws IOException {
    LabelledImages images = data.images(train).withLabelsOf(source);
    List<LabelledImage> all = IntStream.range(0, images.size()).mapToObj(images::get).toList();
    float[][] features = encoder.encodeImages(all.stream().map(LabelledImage::image).toList());
    int[] labels = all.stream().mapToInt(image -> classes.classOf()[image.label()]).toArray();
    int count = classes.names().size();
    LinearProbe probe =
        LinearProbe.builder()
            .setTraining(features, labels)
            .setClassNames(classes.titles())
            .optSeed(options.seed)
            .fit();
    evaluation.setClassifier(PROBE, probe.classifier());
    if (fewShot) {
      ProbeBaselines.fit(features, labels, count, ProbeBaselines.shots(labels, count), DRAWS)
          .forEach(evaluation::setClassifier);
    }
  }
}
