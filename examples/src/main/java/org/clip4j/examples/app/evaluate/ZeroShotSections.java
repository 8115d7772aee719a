package org.clip4j.examples.app.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.clip4j.encode.ClassNames;
import org.clip4j.eval.ClassMetrics;
import org.clip4j.eval.Interval;
import org.clip4j.eval.ZeroShotEvaluation.Head;
import org.clip4j.eval.ZeroShotEvaluation.Result;
import org.clip4j.examples.app.report.ConfusionFigure;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlReport.Figure;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;

/** What a report shows of zero-shot classification. */
final class ZeroShotSections {
  private static final int MOST_CLASSES = 30;
  private static final int MOST_CONFUSIONS = 15;
  private static final int MOST_NAMES = 20;

  private ZeroShotSections() {}

  /** For the terminal. */
  static String text(Result result) {
    StringBuilder text = new StringBuilder();
    for (Head head : result.heads()) {
      ClassMetrics metrics = head.metrics();
      text.append(
          String.format(
              Locale.ROOT,
              "%-20s top-1 %s, top-5 %s, mean per class %s%n",
              head.name(),
              EvaluateOptions.percent(metrics.top1()),
              Numbers.percent(metrics.top5().value()),
              Numbers.percent(metrics.meanPerClass().value())));
    }
    text.append("prompts: ").append(EvaluateOptions.points(result.promptGain()));
    if (result.ensembleGain() != null) {
      text.append(", ensemble: ").append(EvaluateOptions.points(result.ensembleGain()));
    }
    text.append(" percentage points\n");
    if (result.unreadable().count() > 0) {
      text.append(result.unreadable().count()).append(" images could not be read\n");
    }
    return text.toString();
  }

  /** Everything, for a report about one set; {@code pictures} adds those after the key numbers. */
  static void add(HtmlReport report, Result result, Runnable pictures) {
    ClassMetrics metrics = result.last().metrics();
    List<Figure> figures = new ArrayList<>();
    figures.add(figure("Top-1 accuracy", metrics.top1()));
    figures.add(figure("Top-5 accuracy", metrics.top5()));
    figures.add(figure("Mean per class", metrics.meanPerClass()));
    figures.add(
        new Figure(
            "Chance",
            Numbers.percent(1.0 / result.classes().size()),
            String.format(Locale.ROOT, "guessing among %,d classes", result.classes().size())));
    int unreadable = result.unreadable().count();
    figures.add(
        new Figure(
            "Images",
            String.format(Locale.ROOT, "%,d", metrics.images()),
            unreadable == 0 ? "all could be read" : unreadable + " more could not be read"));
    report.figures(figures);
    pictures.run();
    prompts(report, result);
    confusion(report, "", result.classes(), metrics);
    perClass(report, result.classes(), metrics);
    method(report, result);
  }

  private static Figure figure(String name, Interval interval) {
    String note = "95 % interval " + EvaluateOptions.range(interval);
    return new Figure(name, Numbers.percent(interval.value()), note);
  }

  /** What prompts and their ensembling bring. */
  static void prompts(HtmlReport report, Result result) {
    List<Bar> bars = new ArrayList<>();
    HtmlTable table =
        new HtmlTable(1, "Classifier", "Prompts", "Top-1, %", "Top-5, %", "Mean per class, %");
    for (Head head : result.heads()) {
      Interval top1 = head.metrics().top1();
      bars.add(new Bar(title(head), top1.value(), top1.low(), top1.high()));
      table.row(
          title(head),
          Integer.toString(head.templates().size()),
          EvaluateOptions.bare(top1),
          EvaluateOptions.bare(head.metrics().top5()),
          EvaluateOptions.bare(head.metrics().meanPerClass()));
    }
    String note =
        "The same images, classified by the bare class names, by the one prompt “a photo of a {}.”"
            + (result.ensembleGain() == null
                ? "."
                : ", and by the prompts of this evaluation, whose embeddings are averaged.")
            + " The prompt brings "
            + EvaluateOptions.points(result.promptGain())
            + " percentage points of top-1"
            + (result.ensembleGain() == null
                ? "."
                : ", and the prompts averaged another "
                    + EvaluateOptions.points(result.ensembleGain())
                    + ".")
            + " In brackets and as whiskers: 95 % intervals; differences are taken on the same images.";
    Markup list = Markup.of("details").add(Markup.of("summary").text("The prompts"));
    Markup items = Markup.of("ul");
    result.last().templates().forEach(each -> items.add(Markup.of("li").text(each)));
    report.section(
        "What prompts bring",
        note,
        BarFigure.shares("zero-shot top-1 accuracy", bars),
        table.html(),
        list.add(items));
  }

  private static String title(Head head) {
    int count = head.templates().size();
    return switch (head.name()) {
      case "prompts" -> count == 1 ? "the set's prompt" : "ensemble of " + count + " prompts";
      default -> head.name();
    };
  }

  /** The matrix and its most frequent mistakes; {@code which} goes into the heading. */
  static void confusion(
      HtmlReport report, String which, List<String> classes, ClassMetrics metrics) {
    record Mistake(int own, int answer, long count) {}
    List<Mistake> mistakes = new ArrayList<>();
    long[][] counts = metrics.confusion();
    for (int own = 0; own < counts.length; own++) {
      for (int answer = 0; answer < counts.length; answer++) {
        if (own != answer && counts[own][answer] > 0) {
          mistakes.add(new Mistake(own, answer, counts[own][answer]));
        }
      }
    }
    mistakes.sort(Comparator.comparingLong((Mistake mistake) -> -mistake.count));
    HtmlTable table = new HtmlTable(2, "True class", "Answered", "Images", "Of the class, %");
    for (Mistake mistake : mistakes.subList(0, Math.min(MOST_CONFUSIONS, mistakes.size()))) {
      long all = 0;
      for (long count : counts[mistake.own]) {
        all += count;
      }
      table.row(
          classes.get(mistake.own),
          classes.get(mistake.answer),
          String.format(Locale.ROOT, "%,d", mistake.count),
          Numbers.hundredths((double) mistake.count / all));
    }
    Markup below =
        mistakes.isEmpty()
            ? Markup.of("p").text("There are no mistakes.")
            : Markup.of("div").add(Markup.of("h3").text("Most frequent mistakes"), table.html());
    report.section(
        "Confusion matrix" + which,
        "Rows are what an image shows, columns what was answered; the diagonal is right. The pointer on a cell shows its count.",
        ConfusionFigure.of(classes, counts),
        below);
  }

  private static void perClass(HtmlReport report, List<String> classes, ClassMetrics metrics) {
    double[] shares = metrics.perClass();
    List<Integer> order =
        IntStream.range(0, shares.length)
            .filter(c -> !Double.isNaN(shares[c]))
            .boxed()
            .sorted(Comparator.comparingDouble((Integer c) -> shares[c]))
            .toList();
    List<Bar> bars =
        order.subList(0, Math.min(MOST_CLASSES, order.size())).stream()
            .map(c -> new Bar(classes.get(c), shares[c]))
            .toList();
    String note =
        order.size() <= MOST_CLASSES
            ? "Worst first."
            : String.format(
                Locale.ROOT,
                "The %d worst of %,d classes; all are in the JSON file.",
                MOST_CLASSES,
                order.size());
    report.section(
        "Accuracy per class", note, BarFigure.shares("of the class's images right", bars));
  }

  private static void method(HtmlReport report, Result result) {
    Markup list = Markup.of("ul");
    list.add(
        Markup.of("li")
            .text(
                "A class is the mean of its prompts' text embeddings, at unit length; the answer is the class with the highest cosine"
                    + " similarity to the image. Where a wrong class is as similar as the right one, the answer counts as wrong."));
    list.add(
        Markup.of("li")
            .text(
                "Intervals are percentile bootstraps over images, without stratification. Mean per class is over the classes that"
                    + " have images."));
    list.add(Markup.of("li").text("Labels became classes by " + matching(result.matching()) + "."));
    Markup unreadable = unreadable(result);
    report.section("How it was measured", "", list, unreadable);
  }

  private static String matching(ClassNames.Matching matching) {
    return switch (matching) {
      case GIVEN -> "the names given for them";
      case NAME -> "their names";
      case NUMBER -> "their numbers in the list of classes";
      case ORDER -> "their order, the first label being the first class of the list";
    };
  }

  private static Markup unreadable(Result result) {
    List<String> names = result.unreadable().names();
    if (names.isEmpty()) {
      return Markup.of("p").text("All images could be read.");
    }
    Markup list = Markup.of("ul");
    names
        .subList(0, Math.min(MOST_NAMES, names.size()))
        .forEach(name -> list.add(Markup.of("li").text(name)));
    String all = result.unreadable().count() + " images could not be read and are left out";
    return Markup.of("div").add(Markup.of("p").text(all + "; the first:"), list);
  }
}
