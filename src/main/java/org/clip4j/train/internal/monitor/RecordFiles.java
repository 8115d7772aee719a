package org.clip4j.train.internal.monitor;

import com.google.gson.JsonObject;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Uninterrupted;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.monitor.TrainingProgress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a training's numbers, and writes them to the output folder if there is one: {@code
 * metrics.jsonl}, {@code tensorboard} and {@code report.html}. A failure to write one is logged
 * once, and does not end the training.
 */
final class RecordFiles implements Closeable {
  private static final Logger logger = LoggerFactory.getLogger(RecordFiles.class);
  private static final String METRICS = "metrics.jsonl";
  private static final String EVENTS = "tensorboard";
  private static final String REPORT = "report.html";
  private static final Duration REPORT_INTERVAL = Duration.ofSeconds(10);

  private final RunHistory history = new RunHistory();
  private final RunReport report; // null without an output folder, as are the next two
  private MetricsFile metrics;
  private EventFile events;
  private TrainingProgress latest;
  private boolean ended;
  private final Set<String> failed = new HashSet<>();
  private long reportedNanos = System.nanoTime() - REPORT_INTERVAL.toNanos();

  private RecordFiles(RunReport report) {
    this.report = report;
  }

  /**
   * Opens the files.
   *
   * @param step steps done by the run that is resumed, whose numbers are kept; 0 to begin anew
   */
  static RecordFiles open(TrainingPlan training, long step) throws IOException {
    Path output = training.output;
    if (output == null) {
      return new RecordFiles(null);
    }
    RecordFiles recorder = new RecordFiles(new RunReport(output.resolve(REPORT), training));
    recorder.write(
        METRICS,
        () ->
            recorder.metrics =
                MetricsFile.open(output.resolve(METRICS), step, recorder.history::add));
    recorder.write(
        EVENTS,
        () -> recorder.events = EventFile.open(output.resolve(EVENTS), step, Instant.now()));
    return recorder;
  }

  RunHistory history() {
    return history;
  }

  /** Adds a line of metrics; its time is noted. */
  void add(JsonObject line) {
    Instant now = Instant.now();
    line.addProperty("time", now.truncatedTo(ChronoUnit.MILLIS).toString());
    history.add(line);
    if (metrics != null) {
      write(METRICS, () -> metrics.append(line));
    }
    Map<String, Float> scalars = scalars(line);
    if (events != null && !scalars.isEmpty()) {
      write(EVENTS, () -> events.add(now, line.get(RunHistory.STEP).getAsLong(), scalars));
    }
  }

  /** TensorBoard groups by what stands before the slash. */
  private static Map<String, Float> scalars(JsonObject line) {
    Map<String, Float> scalars = new LinkedHashMap<>();
    String type = line.get(RunHistory.TYPE).getAsString();
    if (type.equals(RunHistory.STEP)) {
      RunHistory.numbers(line)
          .forEach(
              (name, value) -> {
                if (!name.equals(RunHistory.STEP)) {
                  scalars.put("train/" + name, value.floatValue());
                }
              });
    } else if (type.equals(RunHistory.EVALUATION)) {
      RunHistory.numbers(line.get("values"))
          .forEach((name, value) -> scalars.put(name.replaceFirst("\\.", "/"), value.floatValue()));
    }
    return scalars;
  }

  /** Writes the report if it is a while since the last. */
  void reportNowAndThen(TrainingProgress step) {
    latest = step;
    if (System.nanoTime() - reportedNanos >= REPORT_INTERVAL.toNanos()) {
      report(RunReport.Status.RUNNING);
    }
  }

  void report(RunReport.Status status) {
    ended = status != RunReport.Status.RUNNING;
    reportedNanos = System.nanoTime();
    if (report != null) {
      write(REPORT, () -> report.write(history, latest, status));
    }
  }

  private void write(String what, Uninterrupted.Action writing) {
    try {
      writing.run();
    } catch (IOException | UncheckedIOException e) {
      if (failed.add(what)) {
        logger.error(
            "{} in the output folder cannot be written ({}); the training goes on without it",
            what,
            IoErrors.message(e));
      }
    }
  }

  /** Closes the files; if no end was reported, reports a failure. */
  @Override
  public void close() {
    if (!ended) {
      report(RunReport.Status.FAILED);
    }
    if (metrics != null) {
      write(METRICS, metrics::close);
    }
    if (events != null) {
      write(EVENTS, events::close);
    }
  }
}
