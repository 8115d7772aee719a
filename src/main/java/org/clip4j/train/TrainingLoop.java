package org.clip4j.train;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import org.clip4j.data.UnreadableImages;
import org.clip4j.data.internal.loader.LoaderPosition;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Uninterrupted;
import org.clip4j.model.ClipModel;
import org.clip4j.train.internal.checkpoint.SaveAndResume;
import org.clip4j.train.internal.monitor.TrainingMonitor;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.internal.step.TrainingStep;
import org.clip4j.train.monitor.TrainingDivergedException;
import org.clip4j.train.monitor.TrainingProgress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the steps of one training, and holds its state between them. */
final class TrainingLoop {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  private final TrainingPlan plan;
  private final ClipModel model;
  private final BooleanSupplier stopped;
  private final PairLoader loader;
  private final SaveAndResume saver;
  private final TrainingMonitor monitor;
  private final TrainingStep step;
  private final long totalSteps;
  private float[] losses = new float[16]; // one for each step, then room for more
  private long steps;
  private long samples;
  private LoaderPosition position = LoaderPosition.START;
  private long resumedAt;
  private Duration before = Duration.ZERO; // time in earlier runs
  private long start = System.nanoTime();
  private boolean betweenSteps = true; // whether the state is whole

  /**
   * Opens what a training needs, and trains, from the last checkpoint if it is to be resumed.
   *
   * @param stopped asked before each step
   */
  static TrainingResult train(TrainingPlan asked, BooleanSupplier stopped) throws IOException {
    if (asked.output != null) {
      IoErrors.worded(() -> Files.createDirectories(asked.output));
    }
    TrainingPlan plan = asked.resolved();
    ClipModel model = plan.model;
    if (plan.lora != null) {
      model.adapters().attach(plan.firstAdapter());
    }
    model.setTrainable(true);
    try (SaveAndResume saver = SaveAndResume.open(plan);
        NDManager manager = model.manager().newSubManager();
        PairLoader loader = plan.loader();
        TrainingMonitor monitor = TrainingMonitor.open(plan, saver.resumedAt());
        TrainingStep step = new TrainingStep(manager, model, plan)) {
      TrainingLoop loop = new TrainingLoop(plan, loader, saver, monitor, step, stopped);
      saver.restore(step.state()).ifPresent(loop::restore);
      return loop.run();
    } finally {
      model.setTrainable(false);
    }
  }

  /** Starts at the first step, unless restored. */
  private TrainingLoop(
      TrainingPlan plan,
      PairLoader loader,
      SaveAndResume saver,
      TrainingMonitor monitor,
      TrainingStep step,
      BooleanSupplier stopped) {
    this.plan = plan;
    this.model = plan.model;
    this.stopped = stopped;
    this.loader = loader;
    this.saver = saver;
    this.monitor = monitor;
    this.step = step;
    totalSteps = plan.steps;
  }

  /** Takes up the state of a training that a checkpoint keeps; before the first step. */
  private void restore(SaveAndResume.Moment from) {
    losses = from.losses();
    steps = from.step();
    samples = from.samples();
    position = from.position();
    resumedAt = steps;
    before = from.elapsed();
    step.restored();
    loader.start(position);
  }

  /** The state between two steps. */
  private SaveAndResume.Moment moment() {
    return new SaveAndResume.Moment(steps, samples, elapsed(), position, lossArray());
  }

  private Duration elapsed() {
    return before.plusNanos(System.nanoTime() - start);
  }

  private float[] lossArray() {
    return Arrays.copyOf(losses, Math.toIntExact(steps));
  }

  private void add(float loss) {
    if (steps == losses.length) {
      losses = Arrays.copyOf(losses, losses.length * 2 + 1);
    }
    losses[Math.toIntExact(steps)] = loss;
    steps++;
  }

  /**
   * Trains, and saves a last checkpoint and the model; it ends with the averaged weights, if they
   * are averaged.
   */
  TrainingResult run() throws IOException {
    TrainingResult result;
    try {
      result = steps();
    } catch (IOException | RuntimeException | Error e) {
      saveBeforeLeaving(e);
      throw e;
    }
    IOException failure = saved(() -> saver.saveLast(moment(), step.state()), null);
    step.swapAverage();
    failure = saved(saver::saveModel, failure);
    if (failure != null) {
      throw failure;
    }
    return result;
  }

  /**
   * What fails between two steps, such as a listener, or before a step has changed anything, such
   * as the machines that compute it, loses none of those before.
   */
  private void saveBeforeLeaving(Throwable failure) {
    if (!betweenSteps || steps == 0) {
      return;
    }
    try {
      saver.saveLast(moment(), step.state());
      saver
          .lastSaved()
          .ifPresent(
              path ->
                  LOG.info(
                      "the training ends by an error after step {}; resumed it goes on from {}",
                      steps,
                      path));
    } catch (IOException | RuntimeException | Error e) {
      failure.addSuppressed(e);
      LOG.error("{}", IoErrors.message(e));
    }
  }

  /** Where there is no room for a checkpoint there may still be for the model. */
  private static IOException saved(Uninterrupted.Action action, IOException before) {
    try {
      action.run();
      return before;
    } catch (IOException e) {
      if (before != null) {
        e.addSuppressed(before);
      }
      return e;
    }
  }

  private TrainingResult steps() throws IOException {
    start = System.nanoTime();
    monitor.begin(steps);
    if (steps == 0) {
      evaluate();
    }
    while (steps < totalSteps && !stopped.getAsBoolean() && !monitor.isEnough()) {
      PairBatch batch = next();
      if (batch == null) {
        break;
      }
      double learningRate = plan.schedule.rate(steps, totalSteps);
      step.ask(batch);
      TrainingStep.Outcome outcome =
          step.run(batch, learningRate, monitor.measures(steps + 1), () -> betweenSteps = false);
      betweenSteps = false; // until it counts
      if (outcome.diverged()) {
        throw diverged(batch, outcome);
      }
      add(outcome.loss());
      samples += batch.size();
      position = batch.next();
      betweenSteps = true;
      report(batch, outcome, learningRate);
      if (monitor.evaluatesAfter(steps)) {
        evaluate();
      }
      if (saver.isDue(steps)) {
        saver.save(moment(), step.state());
      }
    }
    boolean cancelled = steps < totalSteps && !monitor.isEnough();
    if (!cancelled) {
      evaluate();
    }
    monitor.end(cancelled);
    UnreadableImages unreadable = loader.unreadable();
    return new TrainingResult(
        plan.output,
        steps,
        resumedAt,
        cancelled,
        lossArray(),
        samples,
        elapsed(),
        unreadable.count(),
        unreadable.names(),
        monitor.summary());
  }

  /** With the averaged weights, if they are averaged; if the model is the best, it is saved. */
  private void evaluate() throws IOException {
    long begun = System.nanoTime();
    boolean best;
    betweenSteps = false; // the weights are the average
    step.swapAverage();
    try {
      best = monitor.evaluate(steps);
      if (best) {
        saveBest(() -> saver.saveModel(TrainingMonitor.BEST));
      }
    } finally {
      step.swapAverage();
      betweenSteps = true;
    }
    if (best && steps > 0) { // before the first step there is no state to resume
      double value = monitor.best().values().get(plan.evaluation.bestBy());
      saveBest(() -> saver.saveBest(moment(), step.state(), plan.evaluation.bestBy(), value));
    }
    start += System.nanoTime() - begun; // no time of the training's
  }

  /** If there is no room, the training goes on. */
  private void saveBest(Uninterrupted.Action action) {
    IOException failure = saved(action, null);
    if (failure != null) {
      LOG.error("the best model, of step {}, is not kept: {}", steps, IoErrors.message(failure));
    }
  }

  /** Null if the thread was interrupted. */
  private PairBatch next() throws IOException {
    try {
      return loader.next();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private TrainingDivergedException diverged(PairBatch batch, TrainingStep.Outcome outcome) {
    return monitor.notFinite(
        steps + 1,
        batch,
        outcome.loss(),
        outcome.gradientNorm(),
        step.isFinitePlainly(batch),
        saver.lastSaved());
  }

  private void report(PairBatch batch, TrainingStep.Outcome outcome, double learningRate) {
    Duration elapsed = elapsed();
    double dataWait = monitor.dataWait(batch.size(), loader.stats().waited());
    TrainingProgress progress =
        new TrainingProgress(
            steps,
            totalSteps,
            resumedAt,
            batch.epoch() + 1,
            outcome.loss(),
            learningRate,
            outcome.gradientNorm(),
            model.logitScale(),
            samples / (elapsed.toNanos() / 1e9),
            elapsed,
            dataWait,
            TrainingMonitor.statistics(
                batch, model.config().isSigmoid(), outcome.imageCosine(), outcome.textCosine()),
            monitor.timeFor(totalSteps - steps).orElse(null));
    monitor.after(progress);
  }
}
