package org.clip4j.examples.app.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.eval.Interval;
import org.clip4j.eval.ProbeEvaluation;
import org.clip4j.eval.probe.FewShot;
import org.clip4j.eval.probe.FewShotCurve;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Series;

/** What a report shows of probes beside zero-shot. */
final class ProbeSections {
  private ProbeSections() {}

  /** The paper's figure 5: zero-shot less probe. */
  static void compared(HtmlReport report, String note, Map<String, ProbeEvaluation> compared) {
    List<Bar> bars = new ArrayList<>();
    HtmlTable table =
        new HtmlTable(
            1, "Task", "Images", "Zero-shot, %", "Probe, %", "Zero-shot less probe, points");
    compared.entrySet().stream()
        .sorted(Comparator.comparingDouble(entry -> -entry.getValue().zeroShotLessProbe().value()))
        .forEach(
            entry -> {
              ProbeEvaluation each = entry.getValue();
              Interval less = each.zeroShotLessProbe();
              bars.add(new Bar(entry.getKey(), less.value(), less.low(), less.high()));
              table.row(
                  entry.getKey(),
                  String.format(Locale.ROOT, "%,d", each.probe().images()),
                  EvaluateOptions.bare(each.zeroShot().top1()),
                  EvaluateOptions.bare(each.probe().top1()),
                  EvaluateOptions.points(less));
            });
    report.section(
        "Zero-shot against a probe",
        note
            + " To the right zero-shot is better, to the left the probe. Whiskers and brackets are 95 % intervals; differences are"
            + " taken on the same images.",
        BarFigure.differences("zero-shot less probe, top-1", bars),
        table.html());
  }

  /** Means with one standard deviation to each side. */
  static List<LineFigure.Point> points(FewShotCurve curve) {
    List<LineFigure.Point> points = new ArrayList<>();
    for (FewShotCurve.Point point : curve.points()) {
      double spread = point.standardDeviation();
      points.add(
          new LineFigure.Point(
              point.shots(), point.mean(), point.mean() - spread, point.mean() + spread));
    }
    return points;
  }

  /**
   * The lines of a few-shot figure for adapters of the same draws; none without class embeddings.
   */
  static List<Series> adapters(FewShot.Result result) {
    FewShot.Adapters both = result.adapters();
    return both == null
        ? List.of()
        : List.of(
            new Series("Tip-Adapter", points(both.tip())),
            new Series("Tip-Adapter-F", points(both.tipF())));
  }

  /** The paper's figure 6: accuracy over labelled examples per class, with zero-shot at 0. */
  static void fewShot(HtmlReport report, FewShot.Result result, Interval zeroShot) {
    FewShotCurve curve = result.curve();
    double last = curve.points().get(curve.points().size() - 1).shots();
    LineFigure.Point words =
        new LineFigure.Point(0, zeroShot.value(), zeroShot.low(), zeroShot.high());
    List<Series> series = new ArrayList<>();
    series.add(new Series("linear probe on the embeddings", points(curve)));
    series.add(
        new Series("zero-shot", List.of(words, new LineFigure.Point(last, zeroShot.value()))));
    series.addAll(adapters(result));
    report.section(
        "Few-shot",
        "A probe fitted on a few labelled images of each class, against zero-shot, which needs none. Zero-shot does as well as "
            + curve.crossing(zeroShot.value())
            + ". The probe's whiskers are one standard deviation over draws of the images, those of zero-shot a 95 % interval. Tip-Adapter asks words and the same images"
            + " without any training, and Tip-Adapter-F trains what it has cached of them.",
        LineFigure.overCounts("labelled training images per class", "top-1 accuracy", series));
  }
}
