package org.clip4j.train.internal.monitor;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.RunSummary.Evaluated;

/**
 * What a training has shown so far, from the lines of its {@link MetricsFile}, whether just written
 * or left by the run that is resumed.
 */
final class RunHistory {
  static final String TYPE = "type";
  static final String STEP = "step";
  static final String EVALUATION = "evaluation";
  static final String FINDING = "finding";

  private final Map<String, Curve> curves = new LinkedHashMap<>();
  private final List<Evaluated> evaluations = new ArrayList<>();
  private final Map<String, Finding> findings = new LinkedHashMap<>();
  private long lastStep;

  static JsonObject line(String type, long step) {
    JsonObject line = new JsonObject();
    line.addProperty(TYPE, type);
    line.addProperty(STEP, step);
    return line;
  }

  static JsonObject line(Evaluated evaluated) {
    JsonObject line = line(EVALUATION, evaluated.step());
    line.add("values", object(evaluated.values()));
    return line;
  }

  static JsonObject line(Finding finding) {
    JsonObject line = line(FINDING, finding.step());
    line.addProperty("id", finding.id());
    line.addProperty("message", finding.message());
    line.addProperty("remedy", finding.remedy());
    line.add("evidence", object(finding.evidence()));
    return line;
  }

  private static JsonObject object(Map<String, Double> values) {
    JsonObject object = new JsonObject();
    values.forEach((name, value) -> addNumber(object, name, value));
    return object;
  }

  /** JSON has no NaN and no infinity: they are texts. */
  static void addNumber(JsonObject object, String name, double value) {
    if (Double.isFinite(value)) {
      object.addProperty(name, value);
    } else {
      object.addProperty(name, Double.toString(value));
    }
  }

  /**
   * Takes a line in; one of a kind that it does not know, or with parts missing, is passed over.
   */
  void add(JsonObject line) {
    long step = line.get(STEP).getAsLong();
    switch (text(line, TYPE)) {
      case STEP -> {
        lastStep = step;
        numbers(line)
            .forEach(
                (name, value) -> curves.computeIfAbsent(name, n -> new Curve()).add(step, value));
      }
      case EVALUATION -> evaluations.add(new Evaluated(step, numbers(line.get("values"))));
      case FINDING ->
          findings.putIfAbsent(
              text(line, "id"),
              new Finding(
                  text(line, "id"),
                  step,
                  text(line, "message"),
                  text(line, "remedy"),
                  numbers(line.get("evidence"))));
      default -> {}
    }
  }

  private static String text(JsonObject line, String name) {
    return line.get(name) instanceof JsonPrimitive value ? value.getAsString() : "";
  }

  static Map<String, Double> numbers(JsonElement object) {
    Map<String, Double> numbers = new LinkedHashMap<>();
    if (object instanceof JsonObject fields) {
      for (Map.Entry<String, JsonElement> field : fields.entrySet()) {
        if (field.getValue() instanceof JsonPrimitive value && value.isNumber()) {
          numbers.put(field.getKey(), value.getAsDouble());
        }
      }
    }
    return numbers;
  }

  /** By the name of a step's number; empty for one that no line has had. */
  Curve curve(String name) {
    return curves.getOrDefault(name, new Curve());
  }

  /** Each value of the evaluations, by its name. */
  Map<String, Curve> evaluationCurves() {
    Map<String, Curve> all = new LinkedHashMap<>();
    for (Evaluated evaluated : evaluations) {
      evaluated
          .values()
          .forEach(
              (name, value) ->
                  all.computeIfAbsent(name, n -> new Curve()).add(evaluated.step(), value));
    }
    return all;
  }

  List<Evaluated> evaluations() {
    return evaluations;
  }

  List<Finding> findings() {
    return List.copyOf(findings.values());
  }

  long lastStep() {
    return lastStep;
  }
}
