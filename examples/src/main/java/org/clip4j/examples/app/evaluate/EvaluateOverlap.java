package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ImageSource;
import org.clip4j.eval.Interval;
import org.clip4j.eval.Overlap;
import org.clip4j.eval.OverlapAccuracy;
import org.clip4j.eval.ZeroShotEvaluation;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.app.report.HtmlReport.Picture;
import org.clip4j.examples.app.report.Thumbnail;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.options.LabelledOptions;
import org.clip4j.examples.options.Range;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Near-duplicates between a training and an evaluation set. */
@Command(
    name = "overlap",
    mixinStandardHelpOptions = true,
    description =
        "Looks for images of an evaluation set that are in a training set too, perhaps resized or compressed, by the similarity of"
            + " their embeddings. Writes report.html and overlap.json.")
public final class EvaluateOverlap implements Callable<Integer> {
  private static final int SHOWN = 24;

  @Mixin private EvaluateOptions options;

  @Mixin private LabelledOptions data;

  @Option(
      names = "--training",
      required = true,
      paramLabel = "DATA",
      description = "The training set: a folder of images, or a table read as --data is.")
  private Path training;

  @Option(
      names = "--threshold",
      defaultValue = "0.95",
      description = "The least cosine similarity of near-duplicates.")
  @Range(min = -1, max = 1)
  private double threshold;

  @Option(
      names = "--accuracy",
      description =
          "Classifies the evaluation images zero-shot too, and compares those with near-duplicates and those without; needs labels.")
  private boolean accuracy;

  @Override
  public Integer call() throws IOException {
    List<ImageSource> seen = data.sources(training);
    LabelledImages labelled = accuracy ? data.images() : null;
    List<ImageSource> tested =
        labelled == null
            ? data.sources()
            : IntStream.range(0, labelled.size()).mapToObj(i -> labelled.get(i).image()).toList();
    Overlap.Result result;
    OverlapAccuracy accuracies = null;
    try (OpenModel model = OpenModel.load(options.model, options.device);
        Progress bar = new Progress("Images", seen.size() + tested.size())) {
      result =
          Overlap.create()
              .optThreshold(threshold)
              .optProgress(bar)
              .find(model.encoder(), seen, tested);
      if (labelled != null) {
        accuracies = accuracy(model, labelled, result);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%,d of %,d evaluation images have a near-duplicate among %,d training images (%,d pairs)%n",
        result.overlapping(),
        result.evaluationImages(),
        result.trainingImages(),
        result.pairCount());
    JsonObject json = new JsonObject();
    json.addProperty("training", training.toString());
    json.addProperty("evaluation", data.path().toString());
    json.add("overlap", EvaluateOptions.toJson(result));
    json.add("accuracy", EvaluateOptions.toJson(accuracies));
    json.add(
        "files",
        EvaluateOptions.toJson(
            result.pairs().stream()
                .map(
                    pair ->
                        List.of(
                            tested.get(pair.evaluation()).name(), seen.get(pair.training()).name()))
                .toList()));
    options.write("overlap.json", json);
    report(result, seen, tested, accuracies);
    return 0;
  }

  private OverlapAccuracy accuracy(OpenModel model, LabelledImages labelled, Overlap.Result result)
      throws IOException {
    boolean[] correct =
        ZeroShotEvaluation.of(labelled, data.classes(labelled))
            .optTemplates(data.templates())
            .optResamples(1) // its own intervals are not shown
            .run(model.encoder())
            .correct();
    return OverlapAccuracy.of(result, correct, options.seed);
  }

  private void report(
      Overlap.Result result,
      List<ImageSource> seen,
      List<ImageSource> tested,
      OverlapAccuracy accuracies)
      throws IOException {
    int lost = result.unreadableEvaluation().count() + result.unreadableTraining().count();
    double share = (double) result.overlapping() / result.evaluationImages();
    HtmlReport report =
        new HtmlReport(
                "Data overlap",
                String.format(
                    Locale.ROOT,
                    "Images of %s that are in %s too, by the embeddings of %s.",
                    data.path(),
                    training,
                    options.model))
            .figures(
                List.of(
                    new Figure(
                        "Evaluation images with a near-duplicate",
                        String.format(Locale.ROOT, "%,d", result.overlapping()),
                        Numbers.percent(share)
                            + String.format(Locale.ROOT, " of %,d", result.evaluationImages())),
                    new Figure(
                        "Training images",
                        String.format(Locale.ROOT, "%,d", result.trainingImages()),
                        "compared with each"),
                    new Figure(
                        "Pairs at the threshold",
                        String.format(Locale.ROOT, "%,d", result.pairCount()),
                        String.format(Locale.ROOT, "cosine similarity of %.3f or more", threshold)),
                    new Figure(
                        "Unreadable images",
                        String.format(Locale.ROOT, "%,d", lost),
                        "of both sets")));
    report.section(
        "How similar the nearest training image is",
        "Evaluation images by the cosine similarity of the most similar training image. Copies stand apart from images that only show"
            + " the same kind of thing; if they do not, this model cannot tell them, and the pairs below decide.",
        BarFigure.shares("evaluation images", histogram(result)));
    if (accuracies != null) {
      accuracies(report, accuracies);
    }
    Markup gallery = Markup.of("ul", "class", "gallery");
    for (Overlap.Pair pair : result.pairs().subList(0, Math.min(SHOWN, result.pairs().size()))) {
      ImageSource test = tested.get(pair.evaluation());
      ImageSource train = seen.get(pair.training());
      Picture left = Picture.of(test.read(), test.name());
      Picture right = Picture.of(train.read(), train.name());
      Markup top = Markup.of("div", "class", "top");
      top.add(Thumbnail.of(left.image(), left.alt()), Thumbnail.of(right.image(), right.alt()));
      Markup names = Markup.of("div", "class", "names").text(end(test.name()));
      names.add(Markup.of("br")).text(end(train.name()));
      String cosine = "cosine similarity " + String.format(Locale.ROOT, "%.4f", pair.cosine());
      gallery.add(Markup.of("li").add(top, names, Markup.of("strong").text(cosine)));
    }
    report.section(
        "Near-duplicates",
        result.pairs().isEmpty()
            ? "There is none at this threshold."
            : "The most similar first: the evaluation image on the left, its most similar training image on the right. All pairs are"
                + " in the JSON file.",
        gallery);
    options.write(report, "overlap.json");
  }

  private static void accuracies(HtmlReport report, OverlapAccuracy accuracies) {
    List<Bar> bars = new ArrayList<>();
    bars.add(bar("all", accuracies.overlapImages() + accuracies.cleanImages(), accuracies.all()));
    if (accuracies.overlap() != null) {
      bars.add(bar("with a near-duplicate", accuracies.overlapImages(), accuracies.overlap()));
    }
    if (accuracies.clean() != null) {
      bars.add(bar("clean", accuracies.cleanImages(), accuracies.clean()));
    }
    String gain =
        accuracies.allLessClean() == null
            ? "All images are on one side."
            : "The overlap raises the accuracy on all images by "
                + EvaluateOptions.points(accuracies.allLessClean())
                + " percentage points.";
    report.section(
        "Accuracy with and without near-duplicates",
        gain + " In brackets the number of images; whiskers are 95 % intervals.",
        BarFigure.shares("zero-shot top-1 accuracy", bars));
  }

  private static Bar bar(String name, int images, Interval top1) {
    return new Bar(
        String.format(Locale.ROOT, "%s (%,d)", name, images),
        top1.value(),
        top1.low(),
        top1.high());
  }

  /** The last two parts of a path: enough to find it, and short. */
  private static String end(String name) {
    return name.replaceFirst(".*[/\\\\](?=[^/\\\\]+[/\\\\][^/\\\\]+$)", "");
  }

  /** In steps that narrow towards 1. */
  private static List<Bar> histogram(Overlap.Result result) {
    double[] edges = {-1, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0001};
    int[] counts = new int[edges.length - 1];
    for (float cosine : result.nearest()) {
      if (!Float.isNaN(cosine)) {
        int at = Arrays.binarySearch(edges, cosine);
        counts[Math.max(0, Math.min(counts.length - 1, at >= 0 ? at : -at - 2))]++;
      }
    }
    List<Bar> bars = new ArrayList<>();
    for (int i = 0; i < counts.length; i++) {
      String name =
          i == 0
              ? "below " + edges[1]
              : edges[i] + " to " + (i + 2 == edges.length ? "1" : edges[i + 1]);
      bars.add(new Bar(name, (double) counts[i] / result.evaluationImages()));
    }
    return bars;
  }
}
