package org.clip4j.train;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.clip4j.data.LoaderPosition;
import org.clip4j.data.PairBatch;
import org.clip4j.data.PairLoader;
import org.clip4j.data.UnreadableImages;
import org.clip4j.engine.PixelKernels;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;

/** The steps of one training, and its state between them. */
final class TrainingLoop {
  private final TrainingSettings settings;
  private final ClipModel model;
  private final BooleanSupplier stopped;
  private final NDManager manager;
  private final PairLoader loader;
  private final RunSaver saver;
  private final MicroBatches parts;
  private final TrainingStep step;
  private final AdamW optimizer;
  private final LearningRateSchedule schedule;
  private final long totalSteps;
  private final List<Float> losses = new ArrayList<>();
  private long samples;
  private LoaderPosition position = LoaderPosition.START;
  private long resumedAt;
  private Duration before = Duration.ZERO; // time in earlier runs
  private long start = System.nanoTime();

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
      BooleanSupplier stopped) {
    this.settings = settings;
    this.model = settings.model;
    this.stopped = stopped;
    this.manager = manager;
    this.loader = loader;
    this.saver = saver;
    ImageTransform transform = settings.transform();
    parts =
        new MicroBatches(
            transform,
            new PixelKernels(manager, transform.mean(), transform.std()),
            settings.microBatchSize(),
            model.config());
    step = new TrainingStep(manager, model);
    optimizer = new AdamW(manager, model, settings.hyperparameters());
    totalSteps = settings.totalSteps();
    schedule =
        new LearningRateSchedule(
            settings.learningRate, settings.warmupSteps(totalSteps), totalSteps);
  }

  /** Takes up the state of a training that a checkpoint keeps; before the first step. */
  void restore(RunCheckpoint from) throws IOException {
    for (float loss : from.restore(model, List.of(optimizer))) {
      losses.add(loss);
    }
    RunState state = from.state();
    samples = state.samples();
    position = state.position();
    resumedAt = state.step();
    before = state.elapsed();
    loader.start(position);
  }

  /** The state between two steps. */
  RunSaver.Moment moment() {
    return new RunSaver.Moment(samples, elapsed(), position, lossArray(), List.of(optimizer));
  }

  private Duration elapsed() {
    return before.plusNanos(System.nanoTime() - start);
  }

  private float[] lossArray() {
    float[] values = new float[losses.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = losses.get(i);
    }
    return values;
  }

  TrainingResult run() throws IOException {
    start = System.nanoTime();
    while (losses.size() < totalSteps && !stopped.getAsBoolean()) {
      PairBatch batch = next();
      if (batch == null) {
        break;
      }
      double learningRate = schedule.at(losses.size());
      float loss = backward(batch);
      if (!Float.isFinite(loss)) {
        throw new IllegalStateException(
            "the loss became "
                + loss
                + " at step "
                + (losses.size() + 1)
                + "; try a lower learning rate than "
                + settings.learningRate);
      }
      double norm = optimizer.step(learningRate);
      losses.add(loss);
      samples += batch.size();
      position = batch.next();
      report(batch, loss, learningRate, norm, elapsed());
      if (saver.isDue(losses.size())) {
        saver.save(moment());
      }
    }
    UnreadableImages unreadable = loader.unreadable();
    return new TrainingResult(
        settings.output,
        losses.size(),
        resumedAt,
        losses.size() < totalSteps,
        lossArray(),
        samples,
        elapsed(),
        unreadable.count(),
        unreadable.names());
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

  private float backward(PairBatch batch) {
    try (NDManager scratch = manager.newSubManager()) {
      return step.backward(
          scratch, parts.of(batch), settings.maskDuplicateCaptions ? batch.captionIds() : null);
    }
  }

  private void report(
      PairBatch batch, float loss, double learningRate, double norm, Duration elapsed) {
    TrainingProgress progress =
        new TrainingProgress(
            losses.size(),
            totalSteps,
            resumedAt,
            batch.epoch() + 1,
            loss,
            learningRate,
            norm,
            model.logitScale(),
            samples / (elapsed.toNanos() / 1e9),
            elapsed);
    settings.listeners.forEach(listener -> listener.onStep(progress));
  }
}
