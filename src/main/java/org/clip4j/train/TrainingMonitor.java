package org.clip4j.train;

import com.google.gson.JsonObject;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.encode.Encoder;
import org.clip4j.eval.Evaluation;
import org.clip4j.io.IoErrors;
import org.clip4j.train.RunSummary.Evaluated;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that lets people see how a training is doing: evaluations, the diagnosis, listeners,
 * the log, and the files that a {@link RunRecorder} writes.
 */
final class TrainingMonitor implements Closeable {
  private static final Logger logger = LoggerFactory.getLogger(TrainingMonitor.class);

  /**
   * Embeddings are measured every so many steps: on a GPU it makes the step wait for its result.
   */
  private static final int MEASURED_STEPS = 10;

  /** Time from one line of the log to the next. */
  private static final Duration LOG_INTERVAL = Duration.ofSeconds(30);

  /** Where in the output folder the best model is. */
  static final String BEST = "best";

  private final TrainingSettings settings;
  private final RunRecorder recorder;
  private final Diagnosis diagnosis;
  private final BestStep best;
  private final long totalSteps;
  private final long evaluateEverySteps; // 0: there is nothing to evaluate
  private final Pace pace = new Pace();
  private Encoder encoder; // null until it is needed
  private Evaluated evaluated; // the last
  private long loggedNanos = System.nanoTime();

  private TrainingMonitor(TrainingSettings settings, RunRecorder recorder) throws IOException {
    this.settings = settings;
    this.recorder = recorder;
    totalSteps = settings.totalSteps();
    evaluateEverySteps = settings.evaluations.isEmpty() ? 0 : settings.evaluateEverySteps();
    diagnosis = new Diagnosis(settings.warmupSteps(totalSteps), settings.spreadDuplicates);
    best = new BestStep(settings.bestBy, settings.patience);
    List<Evaluated> earlier = recorder.history().evaluations();
    best.recall(earlier);
    evaluated = earlier.isEmpty() ? null : earlier.get(earlier.size() - 1);
  }

  /**
   * Opens the files in the output folder.
   *
   * @param step steps done by the run that is resumed; 0 to begin anew
   */
  static TrainingMonitor open(TrainingSettings settings, long step) throws IOException {
    RunRecorder recorder = RunRecorder.open(settings, step);
    try {
      return new TrainingMonitor(settings, recorder);
    } catch (IOException | RuntimeException | Error e) {
      recorder.close();
      throw e;
    }
  }

  /** Before the first step, of this run or of a resumed one. */
  void begin(long step) {
    if (step < totalSteps) {
      logger.info(
          "Training on {}, steps {} to {}; batch size {}, learning rate {}",
          settings.pairs.name(),
          step + 1,
          totalSteps,
          settings.batchSize,
          settings.learningRate);
    } else {
      logger.info("All {} steps of the training are done", step);
    }
    recorder.report(RunReport.Status.RUNNING);
    pace.start();
  }

  /** Whether a step is to measure its embeddings. */
  boolean measures(long step) {
    return step % MEASURED_STEPS == 0;
  }

  /**
   * Notes a step's end.
   *
   * @param samples pairs of its batch
   * @param waited for data, since training began
   * @return the share of the time of the last steps that was spent waiting
   */
  double dataWait(int samples, Duration waited) {
    pace.step(samples, waited);
    return pace.dataWait();
  }

  /** The time that so many steps will take; empty while it can only be guessed. */
  Optional<Duration> timeFor(long steps) {
    return steps == 0
        ? Optional.of(Duration.ZERO)
        : pace.perStep().map(step -> step.multipliedBy(steps));
  }

  /** What follows a step: diagnosis, listeners and records. */
  void after(TrainingProgress step) {
    if (step.step() % settings.metricsEverySteps == 0) {
      recorder.add(line(step));
    }
    for (Finding finding : diagnosis.after(step)) {
      found(finding);
    }
    settings.listeners.forEach(listener -> listener.onStep(step));
    if (System.nanoTime() - loggedNanos >= LOG_INTERVAL.toNanos()) {
      loggedNanos = System.nanoTime();
      logger.info(
          "Step {} of {}: loss {}, {} samples/s, {} % waiting for data",
          step.step(),
          step.totalSteps(),
          String.format(Locale.ROOT, "%.4f", step.loss()),
          Math.round(pace.samplesPerSecond()),
          Math.round(100 * step.dataWait()));
    }
    recorder.reportNowAndThen(step);
  }

  private JsonObject line(TrainingProgress step) {
    JsonObject line = RunHistory.line(RunHistory.STEP, step.step());
    line.addProperty("epoch", step.epoch());
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", (double) step.loss());
    values.put("learning_rate", step.learningRate());
    values.put("gradient_norm", step.gradientNorm());
    values.put("logit_scale", (double) step.logitScale());
    values.put("samples_per_second", pace.samplesPerSecond());
    values.put("data_wait", step.dataWait());
    values.put("duplicate_captions", step.batch().duplicateCaptions());
    values.put("seconds", step.elapsed().toNanos() / 1e9);
    if (measures(step.step())) {
      values.put("image_cosine", step.batch().imageCosine());
      values.put("text_cosine", step.batch().textCosine());
    }
    values.forEach((name, value) -> RunHistory.addNumber(line, name, value));
    return line;
  }

  private void found(Finding finding) {
    logger.warn("{}", finding);
    tell(finding);
  }

  private void tell(Finding finding) {
    recorder.add(RunHistory.line(finding));
    settings.listeners.forEach(listener -> listener.onFinding(finding));
  }

  /** Whether there is to be an evaluation after a step. */
  boolean evaluatesAfter(long step) {
    return evaluateEverySteps > 0 && step % evaluateEverySteps == 0;
  }

  /**
   * Evaluates the model as it is, if there is anything to evaluate and it was not done after this
   * step already.
   *
   * @return whether it is the best so far
   */
  boolean evaluate(long step) {
    if (evaluateEverySteps == 0 || evaluated != null && evaluated.step() == step) {
      return false;
    }
    pace.pause();
    if (encoder == null) {
      encoder = new Encoder(settings.model, settings.transform(), settings.tokenizer());
    }
    Map<String, Double> values = new LinkedHashMap<>();
    for (Evaluation evaluation : settings.evaluations) {
      evaluation
          .evaluate(encoder)
          .forEach(
              (name, value) -> {
                if (values.put(name, value) != null) {
                  throw new IllegalArgumentException(
                      "two evaluations are named " + name + "; give them different names");
                }
              });
    }
    evaluated = new Evaluated(step, values);
    boolean isBest = best.isBest(evaluated);
    logger.info(
        "Evaluation after step {}{}: {}", step, isBest ? ", the best so far" : "", shown(values));
    recorder.add(RunHistory.line(evaluated));
    settings.listeners.forEach(listener -> listener.onEvaluation(evaluated));
    pace.start();
    return isBest;
  }

  private static String shown(Map<String, Double> values) {
    return values.entrySet().stream()
        .map(entry -> String.format(Locale.ROOT, "%s %.4f", entry.getKey(), entry.getValue()))
        .collect(Collectors.joining(", "));
  }

  /** The best evaluation so far; null if there is none. */
  Evaluated best() {
    return best.best();
  }

  /** Whether evaluations have stopped improving for as long as the training is to wait. */
  boolean isEnough() {
    return best.isEnough();
  }

  /**
   * What to throw when a loss or a gradient norm is not finite, with the batch saved.
   *
   * @param step that was not completed
   * @param finitePlainly whether both are finite without native kernels
   * @param checkpoint the last, if there is one
   */
  TrainingDivergedException notFinite(
      long step,
      PairBatch batch,
      double loss,
      double gradientNorm,
      boolean finitePlainly,
      Optional<Path> checkpoint) {
    Path folder = saveBatch(step, batch);
    Finding finding =
        Diagnosis.notFinite(
            step,
            loss,
            gradientNorm,
            settings.learningRate,
            finitePlainly ? settings.precision : null,
            lastGood(checkpoint),
            folder == null ? "" : "The batch is in " + folder + ".");
    tell(finding); // the exception says it: it is not logged besides
    return new TrainingDivergedException(finding, folder);
  }

  private String lastGood(Optional<Path> checkpoint) {
    if (checkpoint.isPresent()) {
      return "The last good checkpoint is " + checkpoint.get() + ".";
    }
    if (best.best() != null && settings.output != null) {
      return "The best model so far, of step "
          + best.best().step()
          + ", is in "
          + settings.output.resolve(BEST)
          + ".";
    }
    return "No checkpoint was saved before.";
  }

  private Path saveBatch(long step, PairBatch batch) {
    if (settings.output == null) {
      return null;
    }
    Path folder = settings.output.resolve("nan-step-" + step);
    try {
      BadBatch.write(folder, batch, settings.transform().height(), settings.transform().width());
      return folder;
    } catch (IOException e) {
      logger.error(
          "The batch of step {} could not be saved: {}", step, IoErrors.message(folder, e));
      return null;
    }
  }

  /** After the last step. */
  void end(boolean cancelled) {
    recorder.report(
        cancelled
            ? RunReport.Status.CANCELLED
            : isEnough() ? RunReport.Status.STOPPED_EARLY : RunReport.Status.FINISHED);
  }

  RunSummary summary() {
    return new RunSummary(
        recorder.history().evaluations(), best.best(), recorder.history().findings(), isEnough());
  }

  /** Closes the files; a training that has not ended by now has failed, and the report says so. */
  @Override
  public void close() throws IOException {
    if (encoder != null) {
      encoder.close();
    }
    recorder.close();
  }
}
