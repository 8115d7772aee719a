package org.clip4j.examples.app.evaluate;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.clip4j.Clip;
import org.clip4j.UnknownFit;
import org.clip4j.UnknownRule;
import org.clip4j.ZeroShotClassifier;
import org.clip4j.data.LabelledImages;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.ImageVisitor;
import org.clip4j.eval.Interval;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.examples.options.Range;
import org.clip4j.figure.BarFigure;
import org.clip4j.figure.BarFigure.Bar;
import org.clip4j.figure.Numbers;
import picocli.CommandLine.Option;

/**
 * How well a classifier's rules tell images of its classes from images of others: half of the
 * classes, drawn at random, are labels, and the others are unknown, many times. Thresholds are
 * fitted on one half of the images and measured on the other.
 */
final class UnknownStudy {
  private static final int SPLITS = 20;

  private UnknownStudy() {}

  /** What may be chosen. */
  static final class Options {
    @Option(
        names = "--false-accepts",
        defaultValue = "0.1",
        paramLabel = "SHARE",
        description = "Share of the unknown images that may be taken for known.")
    @Range(min = 0, below = 1)
    private double rate;

    @Option(
        names = "--background-prompt",
        defaultValue = "a photo",
        paramLabel = "TEXT",
        description = "What may be said of an unknown image; may be given several times.")
    private List<String> background;
  }

  /**
   * What was measured.
   *
   * @param classes all, of which half are known
   * @param images that could be read
   * @param unreadable how many could not
   * @param falseAcceptRate asked for
   * @param top1 accuracy on images of known classes, no rule applied
   */
  record Result(
      String dataSet,
      int classes,
      int images,
      int unreadable,
      int splits,
      double falseAcceptRate,
      Interval top1,
      Map<String, Rule> rules) {}

  /**
   * Of one rule: means of the splits, and the least and greatest of them.
   *
   * @param falseAccepted share of unknown images taken for known, on images not fitted on
   * @param trueAccepted share of known images taken for known, on images not fitted on
   */
  record Rule(Interval auroc, Interval falseAccepted, Interval trueAccepted) {}

  /**
   * One draw.
   *
   * @param rules for each AUROC, false accepts and true accepts
   */
  private record Split(double top1, List<double[]> rules) {}

  /** Measures. */
  static Result run(
      Clip clip,
      LabelledImages images,
      ClassNames names,
      List<String> templates,
      Options options,
      long seed) {
    ClassNames.Matched classes = names.match(images.labels());
    List<float[]> embeddings = new ArrayList<>();
    List<String> shown = new ArrayList<>();
    int[] unreadable = {0};
    clip.encodeImages(
        IntStream.range(0, images.size()).mapToObj(i -> images.get(i).image()).iterator(),
        new ImageVisitor() {
          @Override
          public void embedding(long index, ImageSource image, float[] embedding) {
            int label = classes.classOf()[images.get((int) index).label()];
            embeddings.add(embedding);
            shown.add(classes.titles().get(label));
          }

          @Override
          public void unreadable(long index, ImageSource image, IOException error) {
            unreadable[0]++;
          }
        });
    List<String> titles = shown.stream().distinct().sorted().toList();
    if (titles.size() < 4) {
      throw new IllegalArgumentException(
          "known and unknown classes need at least two each; "
              + images.name()
              + " shows "
              + titles.size());
    }
    Random random = new Random(seed);
    List<Split> splits = new ArrayList<>();
    for (int i = 0; i < SPLITS; i++) {
      splits.add(split(clip, embeddings, shown, titles, templates, options, random));
    }
    Map<String, Rule> rules = new LinkedHashMap<>();
    for (UnknownRule.Score score : UnknownRule.Score.values()) {
      int at = score.ordinal();
      rules.put(
          score.name().toLowerCase(Locale.ROOT),
          new Rule(
              range(splits, split -> split.rules.get(at)[0]),
              range(splits, split -> split.rules.get(at)[1]),
              range(splits, split -> split.rules.get(at)[2])));
    }
    return new Result(
        images.name(),
        titles.size(),
        embeddings.size(),
        unreadable[0],
        SPLITS,
        options.rate,
        range(splits, Split::top1),
        rules);
  }

  private static Interval range(List<Split> splits, ToDoubleFunction<Split> value) {
    double[] values = splits.stream().mapToDouble(value).sorted().toArray();
    return new Interval(
        Arrays.stream(values).average().orElseThrow(), values[0], values[values.length - 1]);
  }

  private static Split split(
      Clip clip,
      List<float[]> embeddings,
      List<String> shown,
      List<String> titles,
      List<String> templates,
      Options options,
      Random random) {
    List<String> known =
        order(titles.size(), random)
            .limit(titles.size() / 2)
            .sorted()
            .mapToObj(titles::get)
            .toList();
    ZeroShotClassifier classifier =
        clip.zeroShot(known)
            .optTemplates(templates)
            .optBackgroundPrompts(options.background)
            .build();
    List<Set<String>> labels =
        shown.stream().map(each -> known.contains(each) ? Set.of(each) : Set.<String>of()).toList();
    int[] images = order(labels.size(), random).toArray();
    int half = images.length / 2;
    List<Set<String>> fitted = Arrays.stream(images, 0, half).mapToObj(labels::get).toList();
    float[][] vectors =
        Arrays.stream(images, 0, half).mapToObj(embeddings::get).toArray(float[][]::new);
    List<double[]> rules = new ArrayList<>();
    for (UnknownRule.Score score : UnknownRule.Score.values()) {
      UnknownFit all =
          classifier.fitUnknown(score, embeddings.toArray(float[][]::new), labels, options.rate);
      ZeroShotClassifier strict =
          classifier.withUnknown(
              classifier.fitUnknown(score, vectors, fitted, options.rate).rule());
      double[] accepted = new double[2]; // of unknown images, of known ones
      int[] count = new int[2];
      for (int i = half; i < images.length; i++) {
        int own = labels.get(images[i]).isEmpty() ? 0 : 1;
        count[own]++;
        accepted[own] += strict.answer(embeddings.get(images[i])).isUnknown() ? 0 : 1;
      }
      rules.add(new double[] {all.auroc(), accepted[0] / count[0], accepted[1] / count[1]});
    }
    int right = 0;
    int count = 0;
    for (int i = 0; i < labels.size(); i++) {
      if (!labels.get(i).isEmpty()) {
        count++;
        right += labels.get(i).containsAll(classifier.answer(embeddings.get(i)).labels()) ? 1 : 0;
      }
    }
    return new Split((double) right / count, rules);
  }

  /** The numbers from 0 to n - 1 in a random order. */
  private static IntStream order(int n, Random random) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, n).boxed().toList());
    Collections.shuffle(order, random);
    return order.stream().mapToInt(i -> i);
  }

  /** For the terminal. */
  static String text(Result result) {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%s: %,d images, half of %d classes known, mean of %d draws: top-1 among the known %s%n",
                result.dataSet,
                result.images,
                result.classes,
                result.splits,
                Numbers.percent(result.top1.value())));
    result.rules.forEach(
        (name, rule) ->
            text.append(
                String.format(
                    Locale.ROOT,
                    "  %-10s AUROC %.3f (%.3f to %.3f); fitted to %s of the unknown accepted: %s are, and %s of the known%n",
                    name,
                    rule.auroc.value(),
                    rule.auroc.low(),
                    rule.auroc.high(),
                    Numbers.percent(result.falseAcceptRate),
                    Numbers.percent(rule.falseAccepted.value()),
                    Numbers.percent(rule.trueAccepted.value()))));
    return text.toString();
  }

  /** What a report shows. */
  static void add(HtmlReport report, Result result) {
    List<Bar> bars = new ArrayList<>();
    HtmlTable table = new HtmlTable(1, "Rule", "AUROC", "Unknown accepted, %", "Known accepted, %");
    result.rules.forEach(
        (name, rule) -> {
          bars.add(new Bar(name, rule.auroc.value(), rule.auroc.low(), rule.auroc.high()));
          table.row(
              name,
              String.format(Locale.ROOT, "%.3f", rule.auroc.value()),
              EvaluateOptions.bare(rule.falseAccepted),
              EvaluateOptions.bare(rule.trueAccepted));
        });
    report.section(
        "Known and unknown",
        String.format(
            Locale.ROOT,
            "Half of the %d classes, drawn %d times, are labels; images of the others should be answered by none of them. AUROC is the probability"
                + " that a known image scores higher than an unknown one, 50 %% by chance. Thresholds that let pass %s of the"
                + " unknown are fitted on one half of the images; the table counts on the other. Means of the draws; whiskers and"
                + " brackets are the least and the greatest. Top-1 among the known classes: %s.",
            result.classes,
            result.splits,
            Numbers.percent(result.falseAcceptRate),
            Numbers.percent(result.top1.value())),
        BarFigure.shares("AUROC", bars),
        table.html());
  }
}
