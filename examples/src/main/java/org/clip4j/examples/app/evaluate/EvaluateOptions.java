package org.clip4j.examples.app.evaluate;

import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.clip4j.eval.Interval;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import org.clip4j.figure.Numbers;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that all of Evaluate's subcommands have, and where their results go. */
final class EvaluateOptions {
  private static final Gson GSON =
      new GsonBuilder()
          .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
          .serializeNulls()
          // JSON has no word for what is not a number.
          .registerTypeAdapter(Double.class, finite())
          .registerTypeAdapter(double.class, finite())
          .registerTypeAdapter(Float.class, finite())
          .registerTypeAdapter(float.class, finite())
          .create();

  @Mixin DeviceOptions device;

  @Option(names = "--model", required = true, paramLabel = "MODEL", description = Models.NAME)
  String model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where report.html and the JSON file go.")
  Path out;

  @Option(
      names = "--resamples",
      defaultValue = "1000",
      description = "Bootstrap resamples for the 95 %% intervals.")
  @Range(min = 0)
  int resamples;

  @Option(names = "--seed", defaultValue = "0", description = "Of all that is drawn.")
  long seed;

  private static <T extends Number> JsonSerializer<T> finite() {
    return (value, type, context) ->
        Double.isFinite(value.doubleValue()) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
  }

  /** A value as JSON: records become objects with names_like_this. */
  static JsonElement toJson(Object value) {
    return GSON.toJsonTree(value);
  }

  /** Writes DIR/name with every number, beside what made them. */
  void write(String name, JsonObject results) throws IOException {
    JsonObject json = new JsonObject();
    json.addProperty("model", model);
    json.addProperty(
        "date",
        LocalDateTime.now(ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS).toString());
    json.addProperty("seed", seed);
    json.addProperty("resamples", resamples);
    results.entrySet().forEach(entry -> json.add(entry.getKey(), entry.getValue()));
    Files.createDirectories(out);
    Files.writeString(out.resolve(name), GSON.toJson(json) + "\n");
  }

  /** Writes DIR/report.html and says where it is. */
  void write(HtmlReport report, String json) throws IOException {
    report.write(out.resolve("report.html"));
    System.out.println(
        "Open " + out.resolve("report.html") + " in a browser; every number is in " + json + ".");
  }

  /** "93.4 % (92.0 to 94.7)". */
  static String percent(Interval interval) {
    return Numbers.percent(interval.value()) + " (" + range(interval) + ")";
  }

  /** "93.4 (92.0 to 94.7)", in a column whose head has the unit. */
  static String bare(Interval interval) {
    return tenths(interval.value()) + " (" + range(interval) + ")";
  }

  /** "92.0 to 94.7". */
  static String range(Interval interval) {
    return tenths(interval.low()) + " to " + tenths(interval.high());
  }

  /** "+3.4 (1.9 to 4.8)", in percentage points. */
  static String points(Interval interval) {
    return String.format(
        Locale.ROOT,
        "%s (%s to %s)",
        Numbers.points(interval.value()),
        Numbers.points(interval.low()),
        Numbers.points(interval.high()));
  }

  private static String tenths(double share) {
    return Numbers.percent(share).replace(" %", "");
  }
}
