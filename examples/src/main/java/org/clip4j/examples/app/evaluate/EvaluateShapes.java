package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import org.clip4j.Clip;
import org.clip4j.data.CorruptedImage;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.data.shapes.ShapeStyle;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.Encoder;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.Interval;
import org.clip4j.eval.ShiftEvaluation;
import org.clip4j.eval.ZeroShotEvaluation;
import org.clip4j.eval.probe.ProbeBaselines;
import org.clip4j.examples.app.evaluate.ShiftSections.Robustness;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.examples.app.report.Thumbnail;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.options.Range;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import org.clip4j.image.Corruption;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The complete set of experiments on a model that was trained on generated shapes. */
@Command(
    name = "shapes",
    mixinStandardHelpOptions = true,
    description =
        "All experiments on the Quickstart's model, with generated pictures and nothing to download: zero-shot on combinations it was"
            + " trained on and on others, probes and few-shot, shifts and robustness. Writes report.html and shapes.json.")
public final class EvaluateShapes implements Callable<Integer> {
  private static final String UNSEEN = "unseen combinations";

  /** Labelled images of each combination that probes are fitted on. */
  private static final int SHOTS = 32;

  @Mixin private EvaluateOptions options;

  @Option(
      names = "--images",
      defaultValue = "40",
      description = "Test images of each combination of colour and shape.")
  @Range(min = 1)
  private int perCombination;

  @Option(
      names = "--shapes-seed",
      defaultValue = "0",
      description = "The Quickstart's --seed, so that test images are none of its training images.")
  private long shapesSeed;

  @Option(
      names = "--baseline",
      paramLabel = "NAME=MODEL",
      description =
          "Another model trained on shapes, for example for fewer steps; a probe on it is one more baseline of effective robustness. May"
              + " be given several times.")
  private Map<String, String> baselines = new LinkedHashMap<>();

  @Mixin private UnknownStudy.Options unknown;

  @Override
  public Integer call() throws IOException {
    long start = System.nanoTime();
    try (OpenModel model = OpenModel.load(options.model, options.device)) {
      ColouredShapes shapes = shapes(model, shapesSeed);
      Map<String, ZeroShotEvaluation.Result> zeroShot = zeroShot(model.encoder(), shapes);
      System.out.println("Probes on the embeddings of labelled images");
      ShapeProbes probes = probes(model, shapes);
      ShapeProbes.Result compared = probes.run(model.encoder(), model.model().logitScale());
      System.out.printf(
          Locale.ROOT,
          "Zero-shot does as well as %s%n",
          compared.fewShot().curve().crossing(zeroShotOf(compared).value()));
      ShiftEvaluation.Result shift = shift("Shifts", model, shapes, probes, fewShot(probes));
      Map<String, ShiftEvaluation.Result> others = new LinkedHashMap<>();
      for (Map.Entry<String, String> baseline : baselines.entrySet()) {
        others.put(baseline.getKey(), shift(baseline.getKey(), baseline.getValue()));
      }
      UnknownStudy.Result rules = rules(shapes);
      System.out.print(UnknownStudy.text(rules));
      List<Robustness> robustness = ShiftSections.robustness(shift, others);
      double seconds = (System.nanoTime() - start) / 1e9;

      JsonObject json = new JsonObject();
      json.addProperty("seconds", seconds);
      json.add("zero_shot", EvaluateOptions.toJson(zeroShot));
      json.add("probe", EvaluateOptions.toJson(compared.compared()));
      json.add("few_shot", EvaluateOptions.toJson(compared.fewShot()));
      json.add("shift", EvaluateOptions.toJson(shift));
      json.add("baselines", EvaluateOptions.toJson(others));
      json.add("robustness", EvaluateOptions.toJson(robustness));
      json.add("unknown", EvaluateOptions.toJson(rules));
      options.write("shapes.json", json);
      HtmlReport report = report(shapes, zeroShot, compared, shift, robustness, seconds);
      UnknownStudy.add(report, rules);
      options.write(report, "shapes.json");
    }
    return 0;
  }

  private static ColouredShapes shapes(OpenModel model, long seed) {
    int size = model.model().config().vision().imageHeight();
    return ColouredShapes.builder().optImageSize(size).optSeed(seed).build();
  }

  /** Fitted on images from another seed: on none that is tested on. */
  private ShapeProbes probes(OpenModel model, ColouredShapes shapes) {
    ColouredShapes others = shapes(model, shapesSeed + 1);
    return new ShapeProbes(model.encoder(), shapes, others, SHOTS, perCombination, options.seed);
  }

  private static Interval zeroShotOf(ShapeProbes.Result compared) {
    return compared.compared().get(ShapeProbes.Task.COMBINATION.title).zeroShot().top1();
  }

  // ---- zero-shot ----

  private Map<String, ZeroShotEvaluation.Result> zeroShot(Encoder encoder, ColouredShapes shapes) {
    Map<String, ZeroShotEvaluation.Result> results = new LinkedHashMap<>();
    List<LabelledImage> unseen = shapes.unseenTest(perCombination);
    add(results, encoder, "trained combinations", shapes.seenTest(perCombination), shapes.labels());
    add(results, encoder, UNSEEN, unseen, shapes.labels());
    List<Integer> classes = shapes.unseenLabels().stream().map(shapes.labels()::indexOf).toList();
    List<LabelledImage> among =
        unseen.stream()
            .map(each -> new LabelledImage(each.image(), classes.indexOf(each.label())))
            .toList();
    add(results, encoder, "unseen combinations, among themselves", among, shapes.unseenLabels());
    return results;
  }

  private void add(
      Map<String, ZeroShotEvaluation.Result> results,
      Encoder encoder,
      String name,
      List<LabelledImage> images,
      List<String> labels) {
    LabelledImages set = LabelledImages.of(name, labels, images);
    try (Progress bar = new Progress("Zero-shot, " + name, set.size())) {
      ZeroShotEvaluation.Result result =
          ZeroShotEvaluation.of(set, ClassNames.fromLabels(labels))
              .optTemplates(ShapeProbes.Task.COMBINATION.templates)
              .optResamples(options.resamples)
              .optSeed(options.seed)
              .optProgress(bar)
              .run(encoder);
      System.out.print(ZeroShotSections.text(result));
      results.put(name, result);
    }
  }

  // ---- shift ----

  /** Probes on few images of this model, as baselines. */
  private static Map<String, EmbeddingClassifier> fewShot(ShapeProbes probes) {
    List<String> classes = probes.classes(ShapeProbes.Task.COMBINATION);
    int[] labels = probes.training().labels(ShapeProbes.Task.COMBINATION, classes);
    return ProbeBaselines.fit(
        probes.training().embeddings(),
        labels,
        classes.size(),
        ProbeBaselines.shots(labels, classes.size()),
        EvaluateShift.DRAWS);
  }

  private ShiftEvaluation.Result shift(String name, String baseline) throws IOException {
    try (OpenModel model = OpenModel.load(baseline, options.device)) {
      ColouredShapes shapes = shapes(model, shapesSeed);
      return shift("Shifts, " + name, model, shapes, probes(model, shapes), Map.of());
    }
  }

  private ShiftEvaluation.Result shift(
      String name,
      OpenModel model,
      ColouredShapes shapes,
      ShapeProbes probes,
      Map<String, EmbeddingClassifier> fewShot) {
    ShapeProbes.Task task = ShapeProbes.Task.COMBINATION;
    List<String> classes = probes.classes(task);
    ShiftEvaluation evaluation =
        ShiftEvaluation.of(
                set("plain", shapes, classes, ShapeStyle.PLAIN), ClassNames.fromLabels(classes))
            .setClassifier(EvaluateShift.ZERO_SHOT, probes.zeroShot(model.encoder(), task))
            .setClassifier(EvaluateShift.PROBE, probes.combinations().classifier())
            .optResamples(options.resamples)
            .optSeed(options.seed)
            .optCorruptions(options.seed);
    fewShot.forEach(evaluation::setClassifier);
    for (ShapeStyle style : ShapeStyle.values()) {
      if (style != ShapeStyle.PLAIN) {
        String styled = ShapeProbes.name(style);
        evaluation.optShift(styled, set(styled, shapes, classes, style));
      }
    }
    try (Progress bar = new Progress(name, evaluation.images())) {
      return evaluation.optProgress(bar).run(model.encoder());
    }
  }

  /** Images of trained combinations, labelled by their position among these. */
  private LabelledImages set(
      String name, ColouredShapes shapes, List<String> classes, ShapeStyle style) {
    List<LabelledImage> images =
        shapes.seenTest(perCombination, style).stream()
            .map(
                each ->
                    new LabelledImage(
                        each.image(), classes.indexOf(shapes.labels().get(each.label()))))
            .toList();
    return LabelledImages.of(name, classes, images);
  }

  // ---- unknown classes ----

  /** Among trained combinations; every unknown one shares its colour and its shape with others. */
  private UnknownStudy.Result rules(ColouredShapes shapes) {
    try (Clip clip = options.device.loader(options.model).load()) {
      return UnknownStudy.run(
          clip,
          set("trained combinations", shapes, shapes.seenLabels(), ShapeStyle.PLAIN),
          ClassNames.fromLabels(shapes.seenLabels()),
          ShapeProbes.Task.COMBINATION.templates,
          unknown,
          options.seed);
    }
  }

  // ---- report ----

  private HtmlReport report(
      ColouredShapes shapes,
      Map<String, ZeroShotEvaluation.Result> zeroShot,
      ShapeProbes.Result compared,
      ShiftEvaluation.Result shift,
      List<Robustness> robustness,
      double seconds) {
    List<Figure> figures = new ArrayList<>();
    List<Bar> bars = new ArrayList<>();
    zeroShot.forEach(
        (name, result) -> {
          Interval top1 = result.last().metrics().top1();
          int classes = result.classes().size();
          figures.add(
              new Figure(
                  name,
                  Numbers.percent(top1.value()),
                  String.format(
                      Locale.ROOT,
                      "among %d, chance %s",
                      classes,
                      Numbers.percent(1.0 / classes))));
          bars.add(new Bar(name + " (" + classes + ")", top1.value(), top1.low(), top1.high()));
        });
    figures.add(
        new Figure(
            "spoilt and shifted", Numbers.percent(shift.mean(0)), "zero-shot, mean of all shifts"));
    figures.add(
        new Figure("time", String.format(Locale.ROOT, "%.0f s", seconds), "for all experiments"));
    HtmlReport report =
        new HtmlReport(
                "Experiments on coloured shapes",
                String.format(
                        Locale.ROOT,
                        "%s, a CLIP trained on pictures of coloured shapes with captions; %d of the %d combinations of colour and shape were",
                        options.model,
                        shapes.unseenLabels().size(),
                        shapes.labels().size())
                    + " in none of them. Every picture measured on here is new.")
            .figures(figures)
            .section(
                "Zero-shot",
                "Naming colour and shape of one object, in brackets among how many combinations. Whiskers are 95 % intervals.",
                BarFigure.shares("zero-shot top-1 accuracy", bars));
    examples(report, shapes);
    ZeroShotSections.prompts(report, zeroShot.get(UNSEEN));
    ProbeSections.compared(
        report,
        String.format(
                Locale.ROOT,
                "The probe is a logistic regression on the same image embeddings, fitted on %,d labelled images of trained combinations;",
                probeImages(compared))
            + " zero-shot is told the classes' names. Where only the colour or the shape is asked for, a probe of its own is fitted, and"
            + " zero-shot has prompts of its own.",
        compared.compared());
    ProbeSections.fewShot(report, compared.fewShot(), zeroShotOf(compared));
    ShiftSections.accuracies(report, shift, 0);
    ShiftSections.accuracies(report, shift, 1);
    ShiftSections.table(report, shift, 2);
    ShiftSections.robustness(report, robustness, EvaluateShift.ZERO_SHOT);
    ZeroShotSections.confusion(
        report,
        ": unseen combinations",
        zeroShot.get(UNSEEN).classes(),
        zeroShot.get(UNSEEN).last().metrics());
    return report;
  }

  private static int probeImages(ShapeProbes.Result compared) {
    return SHOTS
        * compared.compared().get(ShapeProbes.Task.COMBINATION.title).probe().confusion().length;
  }

  /** The same objects in every style, and spoilt at the middle severity. */
  private void examples(HtmlReport report, ColouredShapes shapes) {
    Markup gallery = Markup.of("div", "class", "strip");
    for (ShapeStyle style : ShapeStyle.values()) {
      gallery.add(row(ShapeProbes.name(style), shapes.seenTest(1, style), image -> image));
    }
    for (Corruption corruption : Corruption.values()) {
      gallery.add(
          row(
              corruption.label() + ", severity 3",
              shapes.seenTest(1),
              image -> new CorruptedImage(image, corruption, 3, options.seed)));
    }
    report.section(
        "What the pictures look like", "The same objects, as they are and shifted.", gallery);
  }

  private static Markup row(
      String name, List<LabelledImage> images, UnaryOperator<ImageSource> change) {
    Markup row = Markup.of("div").add(Markup.of("span").text(name));
    for (int i = 0; i < images.size(); i += 5) {
      ImageSource image = change.apply(images.get(i).image());
      try {
        row.add(Thumbnail.of(Picture.of(image.read(), image.name()).image(), image.name()));
      } catch (IOException e) {
        throw new UncheckedIOException(e); // generated images can be read
      }
    }
    return row;
  }
}
