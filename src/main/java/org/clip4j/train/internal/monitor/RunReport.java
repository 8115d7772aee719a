package org.clip4j.train.internal.monitor;

import static org.clip4j.figure.Markup.escape;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;
import org.clip4j.figure.Svg;
import org.clip4j.io.Tables;
import org.clip4j.train.internal.plan.NamedSettings;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.RunSummary.Evaluated;
import org.clip4j.train.monitor.TrainingProgress;
import org.jspecify.annotations.Nullable;

/**
 * A training as one HTML page that needs nothing beside it and no script: what was found wrong, the
 * curves, the evaluations and the settings. While the training runs the page reloads itself.
 */
final class RunReport {

  /** How the training stands. */
  enum Status {
    RUNNING("running"),
    FINISHED("finished"),
    STOPPED_EARLY("stopped early, since the evaluations no longer improved"),
    CANCELLED("stopped before its last step"),
    FAILED("ended by an error");

    private final String words;

    Status(String words) {
      this.words = words;
    }
  }

  private static final int RELOAD_SECONDS = 15;

  /** Rows of the table of evaluations, the last ones. */
  private static final int EVALUATION_ROWS = 30;

  private final Path file;
  private final @Nullable String bestBy;
  private final long totalSteps;
  private final Map<String, String> described = new LinkedHashMap<>();
  private final Map<String, String> folded = new LinkedHashMap<>();
  private StringBuilder html;
  private long lastStep;
  private Evaluated best; // null if there is none

  RunReport(Path file, TrainingPlan training) throws IOException {
    this.file = file;
    bestBy = training.evaluation.bestBy();
    totalSteps = training.steps;
    long pairs = training.pairs.pairsPerEpoch();
    described.put("pairs", training.pairs.name() + ", " + pairs);
    if (pairs < training.batchSize) {
      described.put(
          "pairs a step",
          "at most " + pairs + ", as there are fewer than the batch size of " + training.batchSize);
    }
    Map<String, String> standard = NamedSettings.of(training.defaults());
    NamedSettings.of(training)
        .forEach(
            (name, value) ->
                (value.equals("null") || isOption(name) && value.equals(standard.get(name))
                        ? folded
                        : described)
                    .put(name, value));
  }

  /** The model and the tokenizer are nobody's default. */
  private static boolean isOption(String name) {
    return !name.startsWith("model.") && !name.equals("data.tokenizer");
  }

  /**
   * Replaces the page; whoever reads it meanwhile sees the old or the new one.
   *
   * @param latest null before the first step
   */
  void write(RunHistory history, TrainingProgress latest, Status status) throws IOException {
    Path temporary = file.resolveSibling("." + file.getFileName() + ".tmp");
    try {
      try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
        out.write(page(history, latest, status).getBytes(StandardCharsets.UTF_8));
      }
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  String page(RunHistory history, TrainingProgress latest, Status status) {
    html = new StringBuilder();
    lastStep = history.lastStep();
    BestStep steps = new BestStep(bestBy, 0);
    steps.recall(history.evaluations());
    best = steps.best();
    Path folder = file.toAbsolutePath().getParent().getFileName();
    String title = "Training " + (folder == null ? "" : folder);
    add("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    add("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (status == Status.RUNNING) {
      add("<meta http-equiv=\"refresh\" content=\"" + RELOAD_SECONDS + "\">\n");
    }
    add(
        "<title>"
            + escape(title)
            + "</title>\n<style>\n"
            + Svg.styles()
            + styles()
            + "</style>\n</head>\n<body>");
    add("<main>\n<h1>" + escape(title) + "</h1>\n");
    String now =
        LocalDateTime.now(ZoneId.systemDefault())
            .format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT));
    add("<p class=\"soft\">" + status.words + "; written by clip4j on " + now + ".</p>\n");
    tiles(history, latest, status);
    findings(history.findings());
    charts(history);
    evaluations(history.evaluations());
    settings();
    add("</main>\n</body>\n</html>\n");
    return html.toString();
  }

  private void tiles(RunHistory history, TrainingProgress latest, Status status) {
    Map<String, String> tiles = new LinkedHashMap<>();
    tiles.put("step", String.format(Locale.ROOT, "%,d of %,d", history.lastStep(), totalSteps));
    number(tiles, "loss", history.curve("loss").last(), "%.3f");
    number(tiles, "samples a second", history.curve("samples_per_second").last(), "%,.0f");
    number(tiles, "waiting for data", 100 * history.curve("data_wait").last(), "%.0f %%");
    if (latest != null) {
      tiles.put("time", clock(latest.elapsed()));
      if (status == Status.RUNNING) {
        tiles.put(
            "time left", latest.remaining() == null ? "estimating" : clock(latest.remaining()));
      }
    }
    if (best != null) {
      tiles.put(
          "best " + words(bestBy) + ", step " + best.step(),
          Numbers.brief(best.values().get(bestBy)));
    }
    add("<dl class=\"tiles\">\n");
    tiles.forEach(
        (name, value) ->
            add("<div><dt>" + escape(name) + "</dt><dd>" + escape(value) + "</dd></div>\n"));
    add("</dl>\n");
  }

  private static void number(Map<String, String> tiles, String name, double value, String format) {
    tiles.put(name, Double.isNaN(value) ? "–" : String.format(Locale.ROOT, format, value));
  }

  private static String clock(Duration time) {
    return String.format(
        Locale.ROOT, "%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }

  private void findings(List<Finding> findings) {
    if (findings.isEmpty()) {
      return;
    }
    add("<h2>What looks wrong</h2>\n");
    for (Finding finding : findings) {
      add("<div class=\"finding\"><h3>" + escape(words(finding.id())));
      add(", step " + finding.step() + "</h3>\n<p>" + escape(finding.message()) + "</p>\n<p>");
      add(escape(finding.remedy()) + "</p></div>\n");
    }
  }

  private void charts(RunHistory history) {
    add("<h2>Curves</h2>\n<div class=\"charts\">\n");
    chart("Loss", Map.of("loss", history.curve("loss")), false);
    Map<String, Map<String, Curve>> groups = new LinkedHashMap<>();
    history
        .evaluationCurves()
        .forEach(
            (name, curve) -> {
              int dot = name.lastIndexOf('.');
              groups
                  .computeIfAbsent(
                      name.substring(0, Math.max(0, dot)), group -> new LinkedHashMap<>())
                  .put(words(name.substring(dot + 1)), curve);
            });
    groups.forEach(
        (group, curves) ->
            chart(group.isEmpty() ? "Evaluations" : capital(words(group)), curves, false));
    chart("Learning rate", Map.of("rate", history.curve("learning_rate")), false);
    chart("Gradient norm", Map.of("norm", history.curve("gradient_norm")), true);
    chart("Logit scale", Map.of("scale", history.curve("logit_scale")), false);
    Map<String, Curve> cosines = new LinkedHashMap<>();
    cosines.put("images", history.curve("image_cosine"));
    cosines.put("captions", history.curve("text_cosine"));
    chart("Mean cosine of two different ones in a batch", cosines, false);
    chart("Samples a second", Map.of("pace", history.curve("samples_per_second")), false);
    Map<String, Curve> shares = new LinkedHashMap<>();
    shares.put("time waiting for data", history.curve("data_wait"));
    shares.put("pairs with a caption that stands twice", history.curve("duplicate_captions"));
    chart("Shares", shares, false);
    add("</div>\n");
  }

  private void chart(String heading, Map<String, Curve> curves, boolean mayBeLogarithmic) {
    List<Series> series = new ArrayList<>();
    List<Markup> key = new ArrayList<>();
    curves.forEach(
        (name, curve) -> {
          Markup last = Markup.of("b").text(now(curve));
          key.add(Svg.keyedLine("line " + Svg.style(key.size()), name + " ").add(last));
          series.add(new Series(name, curve.points()));
        });
    if (series.stream().allMatch(each -> each.points().isEmpty())) {
      return;
    }
    add("<figure class=\"chart plot small\"><h3>" + escape(heading));
    if (curves.size() == 1) {
      add(" <span>now <b>" + now(curves.values().iterator().next()) + "</b></span>");
    }
    add("</h3>\n" + LineFigure.small(heading, lastStep, mayBeLogarithmic, series));
    if (curves.size() > 1) {
      add(Svg.key(key).toString());
    }
    add("</figure>\n");
  }

  private static String now(Curve curve) {
    return Double.isNaN(curve.last()) ? "–" : Numbers.brief(curve.last());
  }

  private void evaluations(List<Evaluated> evaluations) {
    if (evaluations.isEmpty()) {
      return;
    }
    Set<String> names = new LinkedHashSet<>();
    evaluations.forEach(evaluated -> names.addAll(evaluated.values().keySet()));
    add("<h2>Evaluations</h2>\n<div class=\"table\"><table><thead><tr><th>step</th>");
    names.forEach(name -> add("<th class=\"number\">" + escape(words(name)) + "</th>"));
    add("</tr></thead>\n<tbody>\n");
    int first = Math.max(0, evaluations.size() - EVALUATION_ROWS);
    for (Evaluated evaluated : evaluations.subList(first, evaluations.size())) {
      boolean isBest = evaluated == best;
      add(isBest ? "<tr class=\"best\">" : "<tr>");
      add("<th>" + evaluated.step() + (isBest ? " (best)" : "") + "</th>");
      for (String name : names) {
        Double value = evaluated.values().get(name);
        String shown = value == null ? "" : String.format(Locale.ROOT, "%.4f", value);
        add("<td class=\"number\">" + shown + "</td>");
      }
      add("</tr>\n");
    }
    add("</tbody></table></div>\n");
  }

  private void settings() {
    add("<h2>Settings</h2>\n");
    table(described);
    if (!folded.isEmpty()) {
      add("<details><summary>" + folded.size() + " more, unset or at their defaults</summary>\n");
      table(folded);
      add("</details>\n");
    }
  }

  private void table(Map<String, String> rows) {
    add("<div class=\"table\"><table><tbody>\n");
    rows.forEach(
        (name, value) ->
            add("<tr><th>" + escape(name) + "</th><td>" + escape(value) + "</td></tr>\n"));
    add("</tbody></table></div>\n");
  }

  private void add(String text) {
    html.append(text);
  }

  /** {@code retrieval.text_to_image.r1} as people write it. */
  private static String words(String name) {
    return name.replace('_', ' ').replace('-', ' ').replace('.', ' ').strip();
  }

  private static String capital(String words) {
    return words.isEmpty() ? words : Character.toUpperCase(words.charAt(0)) + words.substring(1);
  }

  private static String styles() {
    return String.join("\n", Tables.lines(RunReport.class, "report.css")) + "\n";
  }
}
