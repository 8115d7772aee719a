package org.clip4j.examples.app.evaluate;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;
import org.clip4j.eval.ClassMetrics;
import org.clip4j.eval.Interval;
import org.clip4j.eval.ProbeEvaluation;
import org.clip4j.eval.probe.FewShot;
import org.clip4j.eval.probe.FewShotCurve;
import org.clip4j.eval.probe.FewShotCurve.Crossing;
import org.clip4j.eval.probe.LinearProbe;
import org.clip4j.eval.probe.LogisticRegression;

/**
 * What a data set says of an image encoder: zero-shot, a probe, and probes of a few shots.
 *
 * @param crossing how many shots zero-shot is worth; null without zero-shot
 */
public record ProbeStudy(
    ProbeData data,
    LinearProbe probe,
    ProbeEvaluation evaluation,
    FewShot.Result fewShot,
    Crossing crossing) {

  /**
   * How probes are fitted.
   *
   * @param c the inverse of the L2 strength; null to choose it on validation images
   */
  public record Settings(
      int[] shots,
      int seeds,
      boolean fewer,
      Double c,
      double validationFraction,
      int maxIterations,
      long seed) {}

  /**
   * Checks that there are examples enough, which is known before anything is encoded or fitted.
   *
   * @param labels of the training images
   * @param validation whether there are images for it
   */
  public static void check(
      List<String> classNames, int[] labels, boolean validation, Settings settings) {
    FewShot shots =
        FewShot.create()
            .setClassNames(classNames)
            .optShots(settings.shots)
            .optFewer(settings.fewer);
    if (settings.c == null && !validation) {
      shots.optValidationFraction(settings.validationFraction, settings.seed);
    }
    shots.check(labels);
  }

  public static ProbeStudy of(ProbeData data, Settings settings) {
    check(data.classNames(), data.training().labels(), data.validation() != null, settings);
    LinearProbe.Builder builder =
        LinearProbe.builder()
            .setTraining(data.training().features(), data.training().labels())
            .setClassNames(data.classNames())
            .optValidationFraction(settings.validationFraction)
            .optSeed(settings.seed)
            .optMaxIterations(settings.maxIterations)
            .optListener(ProbeStudy::say);
    FewShot shots =
        FewShot.create()
            .setTraining(data.training().features(), data.training().labels())
            .setTest(data.test().features(), data.test().labels())
            .setClassNames(data.classNames())
            .optShots(settings.shots)
            .optSeeds(settings.seeds)
            .optFewer(settings.fewer)
            .optFull(true)
            .optMaxIterations(settings.maxIterations)
            .optListener(ProbeStudy::say);
    if (data.classWeights() != null) {
      shots.optClassWeights(data.classWeights(), data.logitScale());
    }
    if (settings.c != null) {
      builder.optC(settings.c);
      shots.optC(settings.c);
    } else if (data.validation() != null) {
      builder.optValidation(data.validation().features(), data.validation().labels());
      shots.optValidation(data.validation().features(), data.validation().labels());
    } else {
      shots.optValidationFraction(settings.validationFraction, settings.seed);
    }
    System.out.println(data.name() + ": a probe on all training images");
    LinearProbe probe = builder.fit();
    ProbeEvaluation evaluation =
        ProbeEvaluation.of(
            data.test().features(),
            data.test().labels(),
            probe.classNames().size(),
            probe.classifier(),
            data.zeroShot(),
            settings.seed);
    System.out.println(data.name() + ": probes on a few images of each class");
    FewShot.Result fewShot = shots.run();
    if (fewShot.adapters() != null) {
      say(fewShot.adapters());
    }
    Crossing crossing =
        evaluation.zeroShot() == null
            ? null
            : fewShot.curve().crossing(evaluation.zeroShot().top1().value());
    return new ProbeStudy(data, probe, evaluation, fewShot, crossing);
  }

  private static void say(LinearProbe.Trial trial) {
    System.out.printf(
        Locale.ROOT,
        "  C %-9.3g  validation top-1 %5.1f %%  %d iterations%n",
        trial.c(),
        100 * trial.accuracy(),
        trial.fit().iterations());
  }

  private static void say(FewShot.Run run) {
    System.out.printf(
        Locale.ROOT,
        "  %-9s seed %d  C %-9.3g  test top-1 %5.1f %%%n",
        run.shots() == 0 ? "all" : run.shots() + "-shot",
        run.seed(),
        run.c(),
        100 * run.accuracy().top1());
  }

  private static void say(FewShot.Adapters adapters) {
    for (int i = 0; i < adapters.tip().points().size(); i++) {
      System.out.printf(
          Locale.ROOT,
          "  %.0f-shot    test top-1, mean: Tip-Adapter %5.1f %%, Tip-Adapter-F %5.1f %%%n",
          adapters.tip().points().get(i).shots(),
          100 * adapters.tip().points().get(i).mean(),
          100 * adapters.tipF().points().get(i).mean());
    }
  }

  /** Every number. */
  public JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("name", data.name());
    json.add("classes", strings(data.classNames()));
    json.addProperty("training_images", data.training().labels().length);
    if (data.validation() != null) {
      json.addProperty("validation_images", data.validation().labels().length);
    }
    json.addProperty("test_images", data.test().labels().length);
    json.add("unreadable", strings(data.unreadable()));
    if (evaluation.zeroShot() != null) {
      json.add("zero_shot", json(evaluation.zeroShot()));
    }
    json.add("probe", json(evaluation.probe()));
    LogisticRegression.Fit fit = probe.fit().orElseThrow();
    json.add("probe_fit", json(fit));
    JsonArray trials = new JsonArray();
    for (LinearProbe.Trial trial : probe.trials()) {
      JsonObject one = json(trial.fit());
      one.addProperty("validation_top1", trial.accuracy());
      one.addProperty("validation_loss", trial.loss());
      trials.add(one);
    }
    json.add("sweep", trials);
    if (evaluation.zeroShot() != null) {
      json.add("zero_shot_less_probe", json(evaluation.zeroShotLessProbe()));
    }
    json.add("few_shot", json(fewShot.curve()));
    if (fewShot.adapters() != null) {
      json.add("tip_adapter", json(fewShot.adapters().tip()));
      json.add("tip_adapter_f", json(fewShot.adapters().tipF()));
      json.add("tip_adapter_runs", json(fewShot.adapters().runs()));
    }
    JsonArray runs = new JsonArray();
    for (FewShot.Run run : fewShot.runs()) {
      JsonObject one = new JsonObject();
      one.addProperty("shots", run.shots());
      one.addProperty("seed", run.seed());
      one.addProperty("examples", run.examples());
      one.addProperty("c", run.c());
      one.addProperty("top1", run.accuracy().top1());
      one.addProperty("top5", run.accuracy().top5());
      one.addProperty("mean_per_class", run.accuracy().meanPerClass());
      one.addProperty("converged", run.converged());
      runs.add(one);
    }
    json.add("few_shot_runs", runs);
    if (crossing != null) {
      JsonObject equal = new JsonObject();
      equal.addProperty("side", crossing.side().name().toLowerCase(Locale.ROOT));
      equal.addProperty("shots", crossing.shots());
      json.add("zero_shot_equals", equal);
    }
    return json;
  }

  private static JsonArray json(FewShotCurve curve) {
    JsonArray points = new JsonArray();
    for (FewShotCurve.Point point : curve.points()) {
      JsonObject one = new JsonObject();
      one.addProperty("shots", point.shots());
      one.addProperty("mean_top1", point.mean());
      one.addProperty("standard_deviation", point.standardDeviation());
      points.add(one);
    }
    return points;
  }

  private static JsonArray json(List<FewShot.AdapterRun> adapters) {
    JsonArray runs = new JsonArray();
    for (FewShot.AdapterRun run : adapters) {
      JsonObject one = new JsonObject();
      one.addProperty("shots", run.shots());
      one.addProperty("seed", run.seed());
      one.addProperty("trained", run.trained());
      one.addProperty("alpha", run.alpha());
      one.addProperty("beta", run.beta());
      one.addProperty("top1", run.accuracy().top1());
      runs.add(one);
    }
    return runs;
  }

  private static JsonArray strings(List<String> values) {
    JsonArray array = new JsonArray();
    values.forEach(array::add);
    return array;
  }

  public static JsonObject json(LogisticRegression.Fit fit) {
    JsonObject json = new JsonObject();
    json.addProperty("c", fit.c());
    json.addProperty("objective", fit.objective());
    json.addProperty("largest_gradient", fit.largestGradient());
    json.addProperty("iterations", fit.iterations());
    json.addProperty("evaluations", fit.evaluations());
    json.addProperty("converged", fit.converged());
    return json;
  }

  public static JsonObject json(ClassMetrics metrics) {
    JsonObject json = new JsonObject();
    json.add("top1", json(metrics.top1()));
    json.add("top5", json(metrics.top5()));
    json.add("mean_per_class", json(metrics.meanPerClass()));
    JsonArray perClass = new JsonArray();
    for (double share : metrics.perClass()) {
      perClass.add(Double.isNaN(share) ? null : share);
    }
    json.add("per_class", perClass);
    return json;
  }

  public static JsonObject json(Interval interval) {
    JsonObject json = new JsonObject();
    json.addProperty("value", interval.value());
    json.addProperty("low", interval.low());
    json.addProperty("high", interval.high());
    return json;
  }

  /** In a line. */
  String summary() {
    Interval top1 = evaluation.probe().top1();
    String text =
        String.format(
            Locale.ROOT,
            "%s: probe top-1 %.1f %% (C %.3g)",
            data.name(),
            100 * top1.value(),
            probe.fit().orElseThrow().c());
    if (evaluation.zeroShot() == null) {
      return text;
    }
    return String.format(
        Locale.ROOT,
        "%s, zero-shot %.1f %%: it equals %s",
        text,
        100 * evaluation.zeroShot().top1().value(),
        crossing());
  }
}
