package org.clip4j.train;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.clip4j.data.UnreadableImages;
import org.clip4j.data.internal.loader.LoaderPosition;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.PlainArithmetic;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Uninterrupted;
import org.clip4j.loss.Matches;
import org.clip4j.model.ClipModel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps of one training, and its state between them. */
final class TrainingLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingLoop.class);

  private final TrainingSettings settings;
  private final ClipModel model;
  private final BooleanSupplier stopped;
  private final NDManager manager;
  private final PairLoader loader;
  private final RunSaver saver;
  private final TrainingMonitor monitor;
  private final MicroBatches parts;
  private final TrainingStep step;
  private final Replicas replicas;
  private final AdamW optimizer;
  private final LossScaler scaler; // null: the loss is not scaled
  private final Ema ema; // null: weights are not averaged
  private final LearningRateSchedule schedule;
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
  static TrainingResult train(TrainingSettings settings, BooleanSupplier stopped)
      throws IOException {
    if (settings.output != null) {
      IoErrors.worded(() -> Files.createDirectories(settings.output));
    }
    ClipModel model = settings.model;
    model.setTrainable(true);
    try (RunSaver saver = RunSaver.open(settings);
        NDManager manager = model.manager().newSubManager();
        PairLoader loader = settings.loader()) {
      Optional<RunCheckpoint> from = Uninterrupted.get(saver::latest);
      long step = from.map(checkpoint -> checkpoint.state().step()).orElse(0L);
      try (TrainingMonitor monitor = TrainingMonitor.open(settings, step);
          TrainingLoop loop =
              new TrainingLoop(settings, manager, loader, saver, monitor, stopped)) {
        if (from.isPresent()) {
          Uninterrupted.run(() -> loop.restore(from.get()));
        }
        return loop.run();
      }
    } finally {
      model.setTrainable(false);
    }
  }

  /**
   * Starts at the first step, unless restored.
   *
   * @param manager owns all that lives as long as the training
   * @param stopped asked before every step
   */
  TrainingLoop(
      TrainingSettings settings,
      NDManager manager,
      PairLoader loader,
      RunSaver saver,
      TrainingMonitor monitor,
      BooleanSupplier stopped)
      throws IOException {
    this.settings = settings;
    this.model = settings.model;
    this.stopped = stopped;
    this.manager = manager;
    this.loader = loader;
    this.saver = saver;
    this.monitor = monitor;
    ImageTransform transform = settings.transform();
    parts =
        new MicroBatches(
            manager, transform, settings.microBatchSize(), model.config(), settings.patchDropout());
    Freezing.apply(model, settings.freezings);
    optimizer = new AdamW(manager, model, settings.hyperparameters());
    scaler = settings.precision == Precision.FP16 ? new LossScaler() : null;
    ema = settings.ema == null ? null : new Ema(manager, model, settings.ema);
    totalSteps = settings.totalSteps();
    schedule = settings.schedule();
    replicas = new Replicas(manager, model, settings.otherDevices());
    step = new TrainingStep(manager, replicas, settings.precision);
  }

  /** Takes up the state of a training that a checkpoint keeps; before the first step. */
  void restore(RunCheckpoint from) throws IOException {
    losses = from.restore(model, stateful());
    RunState state = from.state();
    steps = state.step();
    samples = state.samples();
    position = state.position();
    resumedAt = steps;
    before = state.elapsed();
    replicas.copyFromFirst();
    loader.start(position);
  }

  private List<StatefulPart> stateful() {
    return Stream.of(optimizer, scaler, ema).filter(Objects::nonNull).toList();
  }

  /** The state between two steps. */
  private RunSaver.Moment moment() {
    return new RunSaver.Moment(steps, samples, elapsed(), position, lossArray(), stateful());
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
    IOException failure = saved(() -> saver.saveLast(moment()), null);
    swapAverage();
    failure = saved(saver::saveModel, failure);
    if (failure != null) {
      throw failure;
    }
    return result;
  }

  /** What fails between two steps, such as a listener, loses none of them. */
  private void saveBeforeLeaving(Throwable failure) {
    if (!betweenSteps || steps == 0) {
      return;
    }
    try {
      saver.saveLast(moment());
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

  /** Ends the threads of several devices. */
  @Override
  public void close() {
    replicas.close();
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
      double learningRate = schedule.at(steps);
      step.measure(monitor.measures(steps + 1));
      betweenSteps = false;
      double norm = step(batch, learningRate);
      float loss = losses[Math.toIntExact(steps - 1)];
      samples += batch.size();
      position = batch.next();
      betweenSteps = true;
      report(batch, loss, learningRate, norm, elapsed());
      if (monitor.evaluatesAfter(steps)) {
        evaluate();
      }
      if (saver.isDue(steps)) {
        saver.save(moment());
      }
    }
    boolean cancelled = steps < totalSteps && !monitor.isEnough();
    if (!cancelled) {
      evaluate();
    }
    monitor.end(cancelled);
    UnreadableImages unreadable = loader.unreadable();
    return new TrainingResult(
        settings.output,
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
    swapAverage();
    try {
      best = monitor.evaluate(steps);
      if (best) {
        saveBest(() -> saver.saveModel(TrainingMonitor.BEST));
      }
    } finally {
      swapAverage();
      betweenSteps = true;
    }
    if (best && steps > 0) { // before the first step there is no state to resume
      double value = monitor.best().values().get(settings.bestBy);
      saveBest(() -> saver.saveBest(moment(), settings.bestBy, value));
    }
    start += System.nanoTime() - begun; // no time of the training's
  }

  private void swapAverage() {
    if (ema != null) {
      ema.swap();
    }
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

  /** The gradients' norm, which half precision may find infinite: the update is then skipped. */
  private double step(PairBatch batch, double learningRate) {
    try (NDManager scratch = manager.newSubManager()) {
      TrainingStep.Gradients gradients =
          step.backward(scratch, micro(batch), matches(batch), scaler == null ? 1 : scaler.scale());
      float loss = gradients.loss();
      if (!Float.isFinite(loss)) {
        throw diverged(batch, loss, Double.NaN);
      }
      double norm = update(batch, gradients, learningRate);
      add(loss);
      return norm;
    }
  }

  private double update(PairBatch batch, TrainingStep.Gradients gradients, double learningRate) {
    double scale = scaler == null ? 1 : scaler.scale();
    double norm = optimizer.step(gradients.byName(), learningRate, scale);
    boolean finite = Double.isFinite(norm);
    if (scaler == null ? !finite : !scaler.update(finite)) {
      throw diverged(batch, gradients.loss(), norm);
    }
    if (finite) {
      replicas.copyFromFirst();
      if (ema != null) {
        ema.update();
      }
    }
    return norm;
  }

  private TrainingDivergedException diverged(PairBatch batch, double loss, double norm) {
    return monitor.notFinite(
        steps + 1, batch, loss, norm, isFinitePlainly(batch), saver.lastSaved());
  }

  /** Whether loss and gradients of the same step are finite without any native kernel. */
  private boolean isFinitePlainly(PairBatch batch) {
    try (NDManager scratch = manager.newSubManager()) {
      TrainingStep plain = new TrainingStep(scratch, replicas, Precision.FP32);
      TrainingStep.Gradients gradients =
          PlainArithmetic.only(() -> plain.backward(scratch, micro(batch), matches(batch), 1));
      return Float.isFinite(gradients.loss())
          && gradients.byName().values().stream()
              .allMatch(gradient -> Float.isFinite(gradient.abs().max().getFloat()));
    }
  }

  private List<TrainingStep.MicroBatch> micro(PairBatch batch) {
    return parts.of(batch, replicas.models().size());
  }

  private Matches matches(PairBatch batch) {
    return settings.spreadDuplicates
        ? Matches.of(batch.captionIds(), batch.imageIds())
        : Matches.OWN;
  }

  private void report(
      PairBatch batch, float loss, double learningRate, double norm, Duration elapsed) {
    double dataWait = monitor.dataWait(batch.size(), loader.stats().waited());
    TrainingProgress progress =
        new TrainingProgress(
            steps,
            totalSteps,
            resumedAt,
            batch.epoch() + 1,
            loss,
            learningRate,
            norm,
            model.logitScale(),
            samples / (elapsed.toNanos() / 1e9),
            elapsed,
            dataWait,
            BatchStatistics.of(batch, model.config().isSigmoid(), step.cosines()),
            monitor.timeFor(totalSteps - steps));
    monitor.after(progress);
  }
}
