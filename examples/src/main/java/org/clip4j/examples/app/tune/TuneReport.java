package org.clip4j.examples.app.tune;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.clip4j.eval.AlphaSweep;
import org.clip4j.eval.AlphaSweep.Point;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.report.HtmlTable;
import org.clip4j.examples.app.tune.FineTuning.Measured;
import org.clip4j.examples.app.tune.FineTuning.Outcome;
import org.clip4j.figure.LineFigure;
import org.clip4j.figure.LineFigure.Series;
import org.clip4j.figure.Markup;
import org.clip4j.figure.Numbers;

/** A fine-tuning as one page, and as JSON. */
record TuneReport(
    String model,
    TuneTask task,
    KeptTask kept,
    AlphaSweep.Rule rule,
    Measured base,
    List<Outcome> outcomes) {
  private static final String NONE = "–";

  /** JSON has no word for what is not a number. */
  private static final JsonSerializer<Double> FINITE =
      (value, type, context) ->
          Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;

  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .registerTypeAdapter(Double.class, FINITE)
          .registerTypeAdapter(double.class, FINITE)
          .serializeNulls()
          .setPrettyPrinting()
          .create();

  /** Writes report.html and fine-tune.json. */
  void write(Path out) throws IOException {
    HtmlReport report =
        new HtmlReport(
            "Fine-tuning",
            String.format(
                Locale.ROOT,
                "%s on %,d images of %s; tested on %,d others%s.",
                model,
                task.trained(),
                task.name(),
                task.tested(),
                kept == null
                    ? ""
                    : String.format(
                        Locale.ROOT, " and on %,d of what it should keep", kept.test().size())));
    report.section("What each method gains and forgets", note(), table());
    if (!base.recalls().isEmpty()) {
      report.section(
          "Retrieval",
          "Share of the test captions whose image is among the 1, 5 or 10 images most similar to them, and of the images that have one"
              + " of their own captions among the 1, 5 or 10 most similar to them.",
          recalls());
    }
    for (Outcome outcome : outcomes) {
      report.section(
          name(outcome) + ": between base and tuned",
          String.format(
              Locale.ROOT,
              "Trains %s on %s: %d epochs in batches of %d, learning rate %s. Alpha 0 is the base, 1 the tuned model; %s was chosen.",
              outcome.method().words(),
              task.texts(outcome.method()),
              outcome.epochs(),
              outcome.batchSize(),
              Numbers.brief(outcome.learningRate()),
              Numbers.brief(outcome.bestAlpha())),
          curve(outcome));
    }
    report.write(out.resolve("report.html"));
    Files.writeString(out.resolve("fine-tune.json"), GSON.toJson(json()) + "\n");
  }

  private String note() {
    return "The new task is measured by "
        + task.measure()
        + " on test images. "
        + (kept == null
            ? ""
            : "Kept is the zero-shot top-1 accuracy on the data that must not be forgotten. ")
        + "Shift is the new task's measure, the mean over "
        + task.shifts()
        + ". Of each method the second line is the model at the alpha with the highest "
        + (rule == AlphaSweep.Rule.MEAN && kept != null
            ? "mean of new and kept task"
            : "measure of the new task")
        + " on images that neither train nor test; it is the checkpoint that was written. Memory is the most that the process held while"
        + " it trained; what earlier methods left behind counts too.";
  }

  private Markup table() {
    HtmlTable table =
        new HtmlTable(
            1,
            "Model",
            "New task",
            "Kept task",
            "Shift",
            "Trainable parameters",
            "Training time",
            "Memory");
    row(table, "base", base, NONE, NONE, NONE);
    for (Outcome outcome : outcomes) {
      row(
          table,
          name(outcome),
          outcome.tuned(),
          String.format(Locale.ROOT, "%,d", outcome.trained()),
          String.format(Locale.ROOT, "%,.0f s", outcome.time().toMillis() / 1000.0),
          Double.isNaN(outcome.memory())
              ? NONE
              : String.format(Locale.ROOT, "%,.0f MB", outcome.memory() / 1e6));
      row(table, merged(outcome), outcome.merged(), NONE, NONE, NONE);
    }
    return table.html();
  }

  private Markup recalls() {
    List<String> columns = new ArrayList<>(List.of("Model"));
    columns.addAll(base.recalls().keySet());
    HtmlTable table = new HtmlTable(1, columns.toArray(String[]::new));
    recalls(table, "base", base);
    for (Outcome outcome : outcomes) {
      recalls(table, name(outcome), outcome.tuned());
      recalls(table, merged(outcome), outcome.merged());
    }
    return table.html();
  }

  private static void recalls(HtmlTable table, String name, Measured measured) {
    List<String> cells = new ArrayList<>(List.of(name));
    measured.recalls().values().forEach(share -> cells.add(Numbers.percent(share)));
    table.row(cells.toArray(String[]::new));
  }

  private static String merged(Outcome outcome) {
    return name(outcome) + ", alpha " + Numbers.brief(outcome.bestAlpha());
  }

  private static void row(
      HtmlTable table, String name, Measured measured, String trained, String time, String memory) {
    table.row(
        name,
        Numbers.percent(measured.target()),
        Double.isNaN(measured.kept()) ? NONE : Numbers.percent(measured.kept()),
        Numbers.percent(measured.shift()),
        trained,
        time,
        memory);
  }

  private static String name(Outcome outcome) {
    return outcome.method().name().toLowerCase(Locale.ROOT);
  }

  private Markup curve(Outcome outcome) {
    List<LineFigure.Point> target = new ArrayList<>();
    List<LineFigure.Point> remembered = new ArrayList<>();
    for (Point point : outcome.sweep().points()) {
      target.add(new LineFigure.Point(100 * point.alpha(), point.test().target()));
      remembered.add(new LineFigure.Point(100 * point.alpha(), point.test().shift()));
    }
    List<Series> series = new ArrayList<>(List.of(new Series("new task", target)));
    if (kept != null) {
      series.add(new Series("kept task", remembered));
    }
    return LineFigure.over("share of the tuned model, %", task.measure(), series);
  }

  private JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("model", model);
    json.addProperty("training_images", task.trained());
    json.addProperty("test_images", task.tested());
    json.addProperty("best_by", rule.name().toLowerCase(Locale.ROOT));
    json.add("base", GSON.toJsonTree(base));
    for (Outcome outcome : outcomes) {
      JsonObject of = new JsonObject();
      of.addProperty("batch_size", outcome.batchSize());
      of.addProperty("epochs", outcome.epochs());
      of.addProperty("learning_rate", outcome.learningRate());
      of.addProperty("best_alpha", outcome.bestAlpha());
      of.add("tuned", GSON.toJsonTree(outcome.tuned()));
      of.add("merged", GSON.toJsonTree(outcome.merged()));
      of.addProperty("trainable_parameters", outcome.trained());
      of.addProperty("seconds", outcome.time().toMillis() / 1000.0);
      of.add("peak_bytes", GSON.toJsonTree(outcome.memory()));
      of.add("sweep", GSON.toJsonTree(outcome.sweep().points()));
      json.add(name(outcome), of);
    }
    return json;
  }
}
