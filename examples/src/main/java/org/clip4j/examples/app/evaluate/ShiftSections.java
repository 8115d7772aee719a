package org.clip4j.examples.app.evaluate;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.clip4j.eval.EffectiveRobustness;
import org.clip4j.eval.EffectiveRobustness.Point;
import org.clip4j.eval.Interval;
import org.clip4j.eval.ShiftEvaluation.Result;
import org.clip4j.eval.ShiftEvaluation.Row;
import org.clip4j.examples.app.Errors;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import org.clip4j.figure.ScatterFigure;
import org.clip4j.figure.ScatterFigure.Dot;

/** What a report shows of accuracy under distribution shift. */
final class ShiftSections {

  /**
   * A classifier against the line through the baselines.
   *
   * @param expected its accuracy on the shifted set by the line; null where there is none
   * @param effectiveRobustness what it has above that; null where there is no line
   */
  record Judged(Point point, Double expected, Double effectiveRobustness) {}

  /**
   * Robustness of some classifiers against baselines.
   *
   * @param shift its name; null for the mean of all
   * @param fit null where the baselines are too few
   * @param why what is missing where there is no fit
   */
  record Robustness(
      String shift,
      List<Judged> judged,
      List<Point> baselines,
      EffectiveRobustness fit,
      String why) {

    static Robustness of(String shift, List<Point> judged, List<Point> baselines, int images) {
      try {
        EffectiveRobustness fit = EffectiveRobustness.fit(baselines, images);
        List<Judged> measured =
            judged.stream()
                .map(point -> new Judged(point, fit.expected(point.source()), fit.of(point)))
                .toList();
        return new Robustness(shift, measured, baselines, fit, "");
      } catch (IllegalArgumentException e) {
        List<Judged> measured =
            judged.stream().map(point -> new Judged(point, null, null)).toList();
        return new Robustness(shift, measured, baselines, null, Errors.message(e));
      }
    }

    String name() {
      return shift == null ? "mean of all shifts" : shift;
    }
  }

  private ShiftSections() {}

  /**
   * Zero-shot of all models against all probes, for the mean of all shifts and for each.
   *
   * @param main its first classifier is zero-shot, the others are probes
   * @param others by name; their classifiers likewise
   */
  static List<Robustness> robustness(Result main, Map<String, Result> others) {
    List<String> shifts = new ArrayList<>();
    shifts.add(null); // the mean of all
    shifts.addAll(main.shifts());
    List<Robustness> all = new ArrayList<>();
    for (String shift : shifts) {
      List<Point> judged = new ArrayList<>(List.of(main.point(shift, 0)));
      List<Point> baselines = new ArrayList<>();
      for (int k = 1; k < main.classifiers().size(); k++) {
        baselines.add(main.point(shift, k));
      }
      others.forEach(
          (name, other) -> {
            for (int k = 0; k < other.classifiers().size(); k++) {
              Point point = other.point(shift, k);
              Point named = new Point(point.name() + ", " + name, point.source(), point.shifted());
              (k == 0 ? judged : baselines).add(named);
            }
          });
      all.add(Robustness.of(shift, judged, baselines, main.source().images()));
    }
    return all;
  }

  /** Accuracy over severity, and on the sets that have none, for one classifier. */
  static void accuracies(HtmlReport report, Result result, int classifier) {
    String name = result.classifiers().get(classifier);
    Interval own = result.source().top1().get(classifier);
    Map<String, List<LineFigure.Point>> lines = new LinkedHashMap<>();
    List<Bar> bars = new ArrayList<>();
    bars.add(new Bar("source set", own.value(), own.low(), own.high()));
    for (Row row : result.rows()) {
      Interval top1 = row.top1().get(classifier);
      if (row.severity() == 0) {
        bars.add(new Bar(row.shift(), top1.value(), top1.low(), top1.high()));
        continue;
      }
      lines
          .computeIfAbsent(
              row.shift(),
              shift ->
                  new ArrayList<>(
                      List.of(new LineFigure.Point(0, own.value(), own.low(), own.high()))))
          .add(new LineFigure.Point(row.severity(), top1.value(), top1.low(), top1.high()));
    }
    if (!lines.isEmpty()) {
      List<Series> series = new ArrayList<>();
      lines.forEach((shift, points) -> series.add(new Series(shift, points)));
      report.section(
          "Spoilt images: " + name,
          "The source images, spoilt in six ways. Severity 0 is the image as it is; whiskers are 95 % intervals.",
          LineFigure.over("severity (0: as it is)", "top-1 accuracy", series));
    }
    if (bars.size() > 1) {
      report.section(
          "Shifted sets: " + name,
          "Accuracy on the source set and on sets whose images differ from it; whiskers are 95 % intervals.",
          BarFigure.shares("top-1 accuracy", bars));
    }
  }

  /**
   * A row for each shift, a column for each classifier.
   *
   * @param classifiers how many of them, the first ones
   */
  static void table(HtmlReport report, Result result, int classifiers) {
    List<String> head = new ArrayList<>(List.of("Set"));
    head.addAll(result.classifiers().subList(0, classifiers));
    HtmlTable table = new HtmlTable(1, head.toArray(String[]::new));
    table.row(
        cells(
            "source",
            result,
            result.source().top1().stream().limit(classifiers).map(Interval::value).toList()));
    for (String shift : result.shifts()) {
      List<Double> means = new ArrayList<>();
      for (int k = 0; k < classifiers; k++) {
        means.add(result.mean(shift, k));
      }
      boolean severities =
          result.rows().stream().anyMatch(row -> row.shift().equals(shift) && row.severity() > 0);
      table.row(cells(shift + (severities ? " (mean of five severities)" : ""), result, means));
    }
    report.section(
        "All shifts and classifiers",
        "Top-1 accuracy in percent, and in brackets what it differs from the source set's, in percentage points.",
        table.html());
  }

  private static String[] cells(String name, Result result, List<Double> values) {
    String[] cells = new String[values.size() + 1];
    cells[0] = name;
    for (int k = 0; k < values.size(); k++) {
      double change = values.get(k) - result.source().top1().get(k).value();
      cells[k + 1] =
          Numbers.percent(values.get(k)).replace(" %", "")
              + (name.equals("source") ? "" : " (" + Numbers.points(change) + ")");
    }
    return cells;
  }

  /** The paper's scatter for the first of these, and the numbers of all. */
  static void robustness(HtmlReport report, List<Robustness> all, String judgedGroup) {
    Robustness first = all.get(0);
    if (first.baselines.isEmpty()) {
      report.section("Effective robustness", "", Markup.of("p").text("Not measured: " + first.why));
      return;
    }
    List<Dot> dots =
        new ArrayList<>(dots(first.judged.stream().map(Judged::point).toList(), judgedGroup));
    dots.addAll(dots(first.baselines, "probes (baselines)"));
    String note =
        "Each point is a classifier: its accuracy on the source set to the right, its mean accuracy on the shifted sets upwards. On"
            + " the dashed line nothing is lost by the shift. Effective robustness is how far a point lies above the line through the"
            + " baselines, which shows what accuracy alone brings.";
    Markup figure =
        ScatterFigure.of(
            "source accuracy",
            "shifted accuracy",
            dots,
            first.fit == null ? null : first.fit::expected);
    if (first.fit == null) {
      Markup missing = Markup.of("p").text("There is no line: " + first.why);
      report.section("Effective robustness", note, figure, missing);
      return;
    }
    HtmlTable table =
        new HtmlTable(
            2,
            "Shift",
            "Classifier",
            "Source, %",
            "Shifted, %",
            "Expected, %",
            "Effective robustness, points");
    for (Robustness one : all) {
      if (one.fit == null) {
        continue;
      }
      for (Judged each : one.judged) {
        table.row(
            one.name(),
            each.point.name(),
            Numbers.hundredths(each.point.source()),
            Numbers.hundredths(each.point.shifted()),
            Numbers.hundredths(each.expected),
            Numbers.points(each.effectiveRobustness));
      }
    }
    int count = first.baselines.size();
    String caution =
        String.format(
            Locale.ROOT,
            "The line is fitted to %d baselines (logit of the shifted accuracy = %.2f times that of the source %s %.2f; R² %.2f).",
            count,
            first.fit.slope(),
            first.fit.intercept() < 0 ? "less" : "plus",
            Math.abs(first.fit.intercept()),
            first.fit.rSquared());
    if (count < EffectiveRobustness.FEW) {
      caution += " So few say little: the paper's line has 204 models.";
    }
    report.section(
        "Effective robustness", note, figure, Markup.of("p").text(caution), table.html());
  }

  private static List<Dot> dots(Collection<Point> points, String group) {
    return points.stream()
        .map(point -> new Dot(point.name(), group, point.source(), point.shifted()))
        .toList();
  }
}
