package org.clip4j.train.internal.monitor;

import com.google.gson.JsonObject;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
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
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.monitor.BatchStatistics;
import org.clip4j.train.monitor.Finding;
import org.clip4j.train.monitor.RunSummary;
import org.clip4j.train.monitor.RunSummary.Evaluated;
import org.clip4j.train.monitor.TrainingDivergedException;
import org.clip4j.train.monitor.TrainingProgress;
import org.clip4j.train.options.EvaluationOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches a training and lets people see how it is doing: it runs the evaluations and the
 * diagnosis, informs listeners and the log, and has {@link RecordFiles} write what it sees.
 */
public final class TrainingMonitor implements Closeable {
  private static final Logger logger = LoggerFactory.getLogger(TrainingMonitor.class);

  /**
   * Embeddings are measured every so many steps: on a GPU it makes the step wait for its result.
   */
  private static final int MEASURED_STEPS = 10;

  /** Time from one line of the log to the next. */
  private static final Duration LOG_INTERVAL = Duration.ofSeconds(30);

  /** Where in the output folder the best model is. */
  public static final String BEST = "best";

  private final TrainingPlan training;
  private final RecordFiles recorder;
  private final Diagnosis diagnosis;
  private final BestStep best;
  private final long totalSteps;
  private final long evaluateEverySteps; // 0: there is nothing to evaluate
  private final Pace pace = new Pace();
  private Encoder encoder; // null until it is needed
  private Evaluated evaluated; // the last
  private long loggedNanos = System.nanoTime();

  private TrainingMonitor(TrainingPlan training, RecordFiles recorder) {
    this.training = training;
    this.recorder = recorder;
    totalSteps = training.steps;
    EvaluationOptions evaluation = training.evaluation;
    evaluateEverySteps = evaluation.evaluations().isEmpty() ? 0 : evaluation.everySteps();
    diagnosis = new Diagnosis(training.schedule.warmupSteps(), training.data.spreadDuplicates());
    best = new BestStep(evaluation.bestBy(), evaluation.patience());
    List<Evaluated> earlier = recorder.history().evaluations();
    best.recall(earlier);
    evaluated = earlier.isEmpty() ? null : earlier.get(earlier.size() - 1);
  }

  /**
   * Opens the files in the output folder.
   *
   * @param step steps done by the run that is resumed; 0 to begin anew
   */
  public static TrainingMonitor open(TrainingPlan training, long step) throws IOException {
    RecordFiles recorder = RecordFiles.open(training, step);
    try {
      return new TrainingMonitor(training, recorder);
    } catch (RuntimeException | Error e) {
      recorder.close();
      throw e;
    }
  }

  /** Before the first step, of this run or of a resumed one. */
  public void begin(long step) {
    if (step < totalSteps) {
      logger.info(
          "Training on {}, steps {} to {}; batch size {}, learning rate {}",
          training.pairs.name(),
          step + 1,
          totalSteps,
          training.batchSize,
          training.schedule.learningRate());
    } else {
      logger.info("All {} steps of the training are done", step);
    }
    recorder.report(RunReport.Status.RUNNING);
    pace.start();
  }

  /** Whether a step is to measure its embeddings. */
  public boolean measures(long step) {
    return step % MEASURED_STEPS == 0;
  }

  /**
   * Notes a step's end.
   *
   * @param samples pairs of its batch
   * @param waited for data, since training began
   * @return the share of the time of the last steps that was spent waiting
   */
  public double dataWait(int samples, Duration waited) {
    pace.step(samples, waited);
    return pace.dataWait();
  }

  /** The time that so many steps will take; empty while it can only be guessed. */
  public Optional<Duration> timeFor(long steps) {
    return steps == 0
        ? Optional.of(Duration.ZERO)
        : pace.perStep().map(step -> step.multipliedBy(steps));
  }

  /** Describes a step's batch. */
  public static BatchStatistics statistics(
      PairBatch batch, boolean sigmoid, double imageCosine, double textCosine) {
    Map<Integer, Integer> counts = new HashMap<>();
    for (int id : batch.captionIds()) {
      counts.merge(id, 1, Integer::sum);
    }
    int duplicates = 0;
    int common = 0; // the row where the most frequent caption stands first
    for (int row = 0; row < batch.size(); row++) {
      int count = counts.get(batch.captionIds()[row]);
      duplicates += count > 1 ? 1 : 0;
      common = count > counts.get(batch.captionIds()[common]) ? row : common;
    }
    int commonCount = counts.get(batch.captionIds()[common]);
    return new BatchStatistics(
        batch.size(),
        duplicates / (double) batch.size(),
        commonCount > 1 ? batch.captions().get(common) : null,
        commonCount,
        sigmoid ? Double.NaN : Math.log(batch.size()),
        imageCosine,
        textCosine);
  }

  /** What follows a step: diagnosis, listeners and records. */
  public void after(TrainingProgress step) {
    if (step.step() % training.metricsEverySteps == 0) {
      recorder.add(line(step));
    }
    for (Finding finding : diagnosis.after(step)) {
      found(finding);
    }
    training.listeners.forEach(listener -> listener.onStep(step));
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
    training.listeners.forEach(listener -> listener.onFinding(finding));
  }

  /** Whether there is to be an evaluation after a step. */
  public boolean evaluatesAfter(long step) {
    return evaluateEverySteps > 0 && step % evaluateEverySteps == 0;
  }

  /**
   * Evaluates the model as it is, if there is anything to evaluate and it was not done after this
   * step already.
   *
   * @return whether it is the best so far
   */
  public boolean evaluate(long step) {
    if (evaluateEverySteps == 0 || evaluated != null && evaluated.step() == step) {
      return false;
    }
    pace.pause();
    if (encoder == null) {
      encoder = new Encoder(training.model, training.data.transform(), training.data.tokenizer());
    }
    Map<String, Double> values = new LinkedHashMap<>();
    for (Evaluation evaluation : training.evaluation.evaluations()) {
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
    training.listeners.forEach(listener -> listener.onEvaluation(evaluated));
    pace.start();
    return isBest;
  }

  private static String shown(Map<String, Double> values) {
    return values.entrySet().stream()
        .map(entry -> String.format(Locale.ROOT, "%s %.4f", entry.getKey(), entry.getValue()))
        .collect(Collectors.joining(", "));
  }

  /** The best evaluation so far; null if there is none. */
  public Evaluated best() {
    return best.best();
  }

  /** Whether evaluations have stopped improving for as long as the training is to wait. */
  public boolean isEnough() {
    return best.isEnough();
  }

  /**
   * What to throw when a loss or a gradient norm is not finite, with the batch saved.
   *
   * @param step that was not completed
   * @param finitePlainly whether both are finite without native kernels
   * @param checkpoint the last, if there is one
   */
  public TrainingDivergedException notFinite(
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
            training.schedule.learningRate(),
            finitePlainly ? training.precision : null,
            lastGood(checkpoint),
            folder == null ? "" : "The batch is in " + folder + ".");
    tell(finding); // the exception says it: it is not logged besides
    return new TrainingDivergedException(finding, folder);
  }

  private String lastGood(Optional<Path> checkpoint) {
    if (checkpoint.isPresent()) {
      return "The last good checkpoint is " + checkpoint.get() + ".";
    }
    if (best.best() != null && training.output != null) {
      return "The best model so far, of step "
          + best.best().step()
          + ", is in "
          + training.output.resolve(BEST)
          + ".";
    }
    return "No checkpoint was saved before.";
  }

  private Path saveBatch(long step, PairBatch batch) {
    if (training.output == null) {
      return null;
    }
    Path folder = training.output.resolve("nan-step-" + step);
    try {
      BadBatch.write(
          folder, batch, training.data.transform().height(), training.data.transform().width());
      return folder;
    } catch (IOException e) {
      logger.error(
          "The batch of step {} could not be saved: {}", step, IoErrors.message(folder, e));
      return null;
    }
  }

  /** After the last step. */
  public void end(boolean cancelled) {
    recorder.report(
        cancelled
            ? RunReport.Status.CANCELLED
            : isEnough() ? RunReport.Status.STOPPED_EARLY : RunReport.Status.FINISHED);
  }

  public RunSummary summary() {
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
