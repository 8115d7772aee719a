package org.clip4j.examples.app.evaluate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.eval.ClassMetrics;
import org.clip4j.eval.Interval;
import org.clip4j.eval.probe.FewShot;
import org.clip4j.eval.probe.FewShotCurve;
import org.clip4j.eval.probe.FewShotCurve.Crossing;
import org.clip4j.eval.probe.FewShotCurve.Side;
import org.clip4j.eval.probe.LinearProbe;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Point;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.Markup;

/**
 * Probes beside zero-shot as a page, with the figures of Radford et al. 2021: few-shot curves (6)
 * and zero-shot less probe by data set (5), or by class where there is one data set.
 */
public record ProbeReport(String model, List<String> prompts, List<ProbeStudy> studies) {
  private static final int MOST_CLASSES = 20; // bars at each end

  public void write(Path file) throws IOException {
    HtmlReport report =
        new HtmlReport(
            "Labelled images against words",
            "How well "
                + model
                + " tells classes apart: zero-shot, by the classes' names alone; and by linear probes, logistic regressions on its"
                + " image embeddings, fitted on labelled images. The encoder itself is not trained.");
    if (studies.size() > 1) {
      all(report);
    }
    for (ProbeStudy study : studies) {
      one(report, study);
    }
    zeroShot(report);
    report.write(file);
  }

  private void zeroShot(HtmlReport report) {
    if (prompts.isEmpty()) {
      if (studies.stream().anyMatch(study -> study.evaluation().zeroShot() != null)) {
        report.section(
            "How zero-shot was measured",
            "By the class embeddings given; which prompts made them is not known here.");
      }
      return;
    }
    Markup list = Markup.of("ul");
    prompts.forEach(prompt -> list.add(Markup.of("li").text(prompt)));
    report.section(
        "How zero-shot was measured",
        "As Evaluate measures it, with the same prompts unless others are named: a class is the mean of its prompts' embeddings, and the"
            + " answer is the class most similar to the image. The same images, prompts and class names give the same number there.",
        list);
  }

  private void all(HtmlReport report) {
    List<ProbeStudy> both =
        studies.stream().filter(study -> study.evaluation().zeroShot() != null).toList();
    List<Bar> bars = new ArrayList<>();
    for (ProbeStudy study : both) {
      Interval difference = study.evaluation().zeroShotLessProbe();
      bars.add(
          new Bar(study.data().name(), difference.value(), difference.low(), difference.high()));
    }
    bars.sort(Comparator.comparingDouble(Bar::value).reversed());
    if (!bars.isEmpty()) {
      report.section(
          "Zero-shot less probe, by data set",
          "Bars to the right: words alone do better than a probe on all labelled images. The thin lines are 95 % intervals over"
              + " draws of the test images.",
          BarFigure.differences("top-1 accuracy of zero-shot less that of the probe", bars));
    }
    double[] shots =
        studies.get(0).fewShot().curve().points().stream()
            .mapToDouble(FewShotCurve.Point::shots)
            .filter(k -> studies.stream().allMatch(study -> at(study, k) != null))
            .toArray();
    List<FewShotCurve.Point> means = new ArrayList<>();
    for (double k : shots) {
      double mean =
          studies.stream().mapToDouble(study -> at(study, k).mean()).average().orElseThrow();
      means.add(new FewShotCurve.Point(k, List.of(mean)));
    }
    if (both.size() < studies.size() || means.isEmpty()) {
      return;
    }
    FewShotCurve curve = new FewShotCurve(means);
    double zeroShot =
        both.stream()
            .mapToDouble(study -> study.evaluation().zeroShot().top1().value())
            .average()
            .orElseThrow();
    Crossing crossing = curve.crossing(zeroShot);
    report.section(
        "Few labelled images, mean of " + studies.size() + " data sets",
        "Zero-shot, "
            + percent(zeroShot)
            + " on average, does as well as "
            + crossing
            + ", which is fitted on so many labelled images of each class (lines between points are straight over doublings).",
        figure(curve, zeroShot, crossing, List.of()));
  }

  private static FewShotCurve.Point at(ProbeStudy study, double shots) {
    return study.fewShot().curve().points().stream()
        .filter(point -> point.shots() == shots)
        .findFirst()
        .orElse(null);
  }

  private void one(HtmlReport report, ProbeStudy study) {
    ClassMetrics probe = study.evaluation().probe();
    ClassMetrics zeroShot = study.evaluation().zeroShot();
    List<Figure> figures = new ArrayList<>();
    if (zeroShot != null) {
      figures.add(new Figure("zero-shot top-1", percent(zeroShot.top1().value()), range(zeroShot)));
    }
    figures.add(new Figure("probe on all images", percent(probe.top1().value()), range(probe)));
    if (study.crossing() != null) {
      figures.add(
          new Figure("zero-shot equals", shots(study.crossing()), "labelled images of each class"));
    }
    figures.add(
        new Figure(
            "images",
            String.format(Locale.ROOT, "%,d", study.data().training().labels().length),
            String.format(
                Locale.ROOT,
                "%,d to test on, %,d classes",
                study.data().test().labels().length,
                study.data().classNames().size())));
    if (studies.size() > 1) {
      report.section(study.data().name(), "");
    }
    report.figures(figures);
    FewShotCurve curve = study.fewShot().curve();
    Double level = zeroShot == null ? null : zeroShot.top1().value();
    String equals = zeroShot == null ? "" : "Zero-shot does as well as " + study.crossing() + ". ";
    String of = studies.size() > 1 ? ": " + study.data().name() : "";
    report.section(
        "Few labelled images" + of,
        equals
            + "A k-shot probe is fitted on k labelled images of each class; between the points, lines are straight over doublings."
            + " Each point is the mean over "
            + curve.points().get(0).accuracies().size()
            + " draws of so many labelled images of each class, its line one standard deviation to each side; the last point is"
            + " fitted on all training images that choose no L2 strength."
            + (study.fewShot().adapters() == null
                ? ""
                : " Tip-Adapter adds the similarity to the same few images to that of the words, without any training;"
                    + " Tip-Adapter-F trains what it has cached of them. The same images that choose the L2 strength choose"
                    + " their two weights."),
        figure(curve, level, study.crossing(), ProbeSections.adapters(study.fewShot())),
        runs(study));
    if (zeroShot != null && studies.size() == 1) {
      List<Bar> bars = classBars(study);
      boolean some = bars.size() < study.data().classNames().size();
      report.section(
          "Zero-shot less probe, by class",
          "Bars to the right: the class's name alone finds more of its test images than a probe on all labelled images."
              + (some ? " The classes with the largest differences to both sides." : ""),
          BarFigure.differences("share found by zero-shot less that found by the probe", bars));
    }
    if (!study.probe().trials().isEmpty()) {
      sweep(report, of, study);
    }
    report.section(
        "Accuracy" + of, "With 95 % intervals over draws of the test images.", table(study));
    if (!study.data().unreadable().isEmpty()) {
      Markup list = Markup.of("ul");
      study.data().unreadable().forEach(text -> list.add(Markup.of("li").text(text)));
      report.section("Images left out", "They could not be read.", list);
    }
  }

  private static Markup figure(
      FewShotCurve curve, Double zeroShot, Crossing crossing, List<Series> adapters) {
    List<Point> points = ProbeSections.points(curve);
    List<Series> series = new ArrayList<>();
    series.add(new Series("linear probe", points));
    if (zeroShot != null) {
      double last = points.get(points.size() - 1).x();
      series.add(
          new Series("zero-shot", List.of(new Point(0, zeroShot), new Point(last, zeroShot))));
      if (crossing.side() == Side.EQUAL) {
        series.add(
            new Series(
                "zero-shot equals " + crossing, List.of(new Point(crossing.shots(), zeroShot))));
      }
    }
    series.addAll(adapters);
    return LineFigure.overCounts(
        "labelled training images of each class", "top-1 accuracy", series);
  }

  private static Markup runs(ProbeStudy study) {
    HtmlTable table =
        new HtmlTable(
            1, "Images of each class", "Mean top-1", "Standard deviation", "Each draw", "C");
    for (FewShotCurve.Point point : study.fewShot().curve().points()) {
      boolean all = point.shots() != Math.rint(point.shots()) || isAll(study, point);
      List<FewShot.Run> own =
          study.fewShot().runs().stream()
              .filter(run -> all ? run.shots() == 0 : run.shots() == point.shots())
              .toList();
      table.row(
          all
              ? String.format(Locale.ROOT, "all, %.1f on average", point.shots())
              : String.format(Locale.ROOT, "%.0f", point.shots()),
          percent(point.mean()),
          all ? "" : points(point.standardDeviation()),
          join(own.stream().map(run -> percent(run.accuracy().top1())).toList()),
          join(own.stream().map(run -> number(run.c())).toList()));
    }
    return table.html();
  }

  private static boolean isAll(ProbeStudy study, FewShotCurve.Point point) {
    return study.fewShot().runs().stream().noneMatch(run -> run.shots() == point.shots());
  }

  private static String join(List<String> values) {
    return String.join(", ", values);
  }

  private static List<Bar> classBars(ProbeStudy study) {
    double[] zeroShot = study.evaluation().zeroShot().perClass();
    double[] probe = study.evaluation().probe().perClass();
    List<Bar> bars = new ArrayList<>();
    for (int k = 0; k < probe.length; k++) {
      if (!Double.isNaN(probe[k])) {
        bars.add(new Bar(study.data().classNames().get(k), zeroShot[k] - probe[k]));
      }
    }
    bars.sort(Comparator.comparingDouble(Bar::value).reversed());
    int size = bars.size();
    if (size <= 2 * MOST_CLASSES) {
      return bars;
    }
    return IntStream.range(0, size)
        .filter(i -> i < MOST_CLASSES || i >= size - MOST_CLASSES)
        .mapToObj(bars::get)
        .toList();
  }

  private static void sweep(HtmlReport report, String of, ProbeStudy study) {
    List<Point> points = new ArrayList<>();
    HtmlTable table =
        new HtmlTable(0, "C", "Validation top-1", "Cross-entropy", "Iterations", "Converged");
    for (LinearProbe.Trial trial : study.probe().trials()) {
      points.add(new Point(Math.log10(trial.c()), trial.accuracy()));
      table.row(
          number(trial.c()),
          percent(trial.accuracy()),
          String.format(Locale.ROOT, "%.4f", trial.loss()),
          Integer.toString(trial.fit().iterations()),
          trial.fit().converged() ? "yes" : "no");
    }
    report.section(
        "Choice of the L2 strength" + of,
        "Accuracy on the validation images over C, the inverse of the strength: every second decade first, then ever closer to the"
            + " best, to an eighth of a decade. Chosen: C = "
            + number(study.probe().fit().orElseThrow().c())
            + ".",
        LineFigure.over(
            "logarithm of C to base 10",
            "validation top-1 accuracy",
            List.of(new Series("probes on the training images", points))),
        table.html());
  }

  private static Markup table(ProbeStudy study) {
    HtmlTable table = new HtmlTable(1, "Classifier", "Top-1", "Top-5", "Mean of the classes");
    if (study.evaluation().zeroShot() != null) {
      row(table, "zero-shot", study.evaluation().zeroShot());
    }
    row(table, "linear probe on all training images", study.evaluation().probe());
    return table.html();
  }

  private static void row(HtmlTable table, String name, ClassMetrics metrics) {
    table.row(name, both(metrics.top1()), both(metrics.top5()), both(metrics.meanPerClass()));
  }

  private static String both(Interval interval) {
    return String.format(
        Locale.ROOT,
        "%.1f %% (%.1f to %.1f)",
        100 * interval.value(),
        100 * interval.low(),
        100 * interval.high());
  }

  private static String range(ClassMetrics metrics) {
    return String.format(
        Locale.ROOT,
        "%.1f to %.1f %% (95 %% interval)",
        100 * metrics.top1().low(),
        100 * metrics.top1().high());
  }

  private static String shots(Crossing crossing) {
    String number = String.format(Locale.ROOT, "%.1f", crossing.shots()).replaceAll("\\.0$", "");
    return switch (crossing.side()) {
      case FEWER -> "< " + number;
      case EQUAL -> number;
      case MORE -> "> " + number;
    };
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static String points(double share) {
    return String.format(Locale.ROOT, "%.1f", 100 * share);
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.3g", value);
  }
}
