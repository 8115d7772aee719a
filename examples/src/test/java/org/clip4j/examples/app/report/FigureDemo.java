package org.clip4j.examples.app.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Point;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.Markup;
import org.clip4j.figure.ScatterFigure;
import org.clip4j.figure.ScatterFigure.Dot;

/** The figures with invented numbers, to look at while working on them. */
final class FigureDemo {
  private FigureDemo() {}

  /** Writes the page to the file named by the first argument. */
  public static void main(String[] args) throws IOException {
    report().write(Path.of(args[0]));
  }

  static HtmlReport report() {
    return new HtmlReport("Figures", "Invented numbers.")
        .section("Differences", "Zero-shot less probe.", differences())
        .section("Shares", "", BarFigure.shares("top-1 accuracy", shares()))
        .section("Few-shot", "", fewShot())
        .section("Severity", "", severity())
        .section("Robustness", "", robustness())
        .section("Confusion of few", "", confusion(6))
        .section("Confusion of many", "", confusion(80));
  }

  private static List<Bar> shares() {
    return List.of(
        new Bar("in distribution", 0.983, 0.975, 0.99), new Bar("unseen <b>", 0.45, 0.41, 0.49));
  }

  static Markup differences() {
    return BarFigure.differences(
        "zero-shot less linear probe",
        List.of(
            new Bar("Stanford Cars", 0.289, 0.27, 0.31),
            new Bar("Food101", 0.225),
            new Bar("CIFAR10", 0.039, 0.03, 0.048),
            new Bar("MNIST", -0.102, -0.12, -0.08),
            new Bar("a data set with quite a long name, too long in fact", -0.371)));
  }

  static Markup fewShot() {
    List<Point> probe = new ArrayList<>();
    for (int shots = 1, i = 0; shots <= 32; shots *= 2, i++) {
      double y = 0.35 + 0.09 * i;
      probe.add(new Point(shots, y, y - 0.05 + 0.008 * i, y + 0.05 - 0.008 * i));
    }
    return LineFigure.overCounts(
        "labelled training images per class",
        "top-1 accuracy",
        List.of(
            new Series("linear probe on the embeddings", probe),
            new Series("zero-shot", List.of(new Point(0, 0.68, 0.66, 0.7)))));
  }

  private static Markup severity() {
    List<Series> series = new ArrayList<>();
    for (String shift : List.of("blur", "noise", "JPEG", "contrast", "grayscale", "occlusion")) {
      double slope = 0.02 + 0.02 * series.size();
      series.add(
          new Series(
              shift,
              IntStream.rangeClosed(0, 5).mapToObj(s -> new Point(s, 0.9 - slope * s)).toList()));
    }
    return LineFigure.over("severity (0: as it is)", "top-1 accuracy", series);
  }

  private static Markup robustness() {
    List<Dot> dots = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      dots.add(new Dot("probe " + i, "linear probes", 0.4 + 0.05 * i, 0.2 + 0.055 * i));
    }
    dots.add(new Dot("zero-shot", "zero-shot", 0.7, 0.66));
    return ScatterFigure.of("source accuracy", "shifted accuracy", dots, x -> x * x);
  }

  private static Markup confusion(int classes) {
    Random random = new Random(1);
    long[][] counts = new long[classes][classes];
    List<String> names = new ArrayList<>();
    for (int c = 0; c < classes; c++) {
      names.add("class number " + c);
      for (int i = 0; i < 50; i++) {
        counts[c][random.nextInt(3) > 0 ? c : random.nextInt(classes)]++;
      }
    }
    return ConfusionFigure.of(names, counts);
  }
}
