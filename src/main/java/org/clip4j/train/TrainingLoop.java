package org.clip4j.train;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
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
  private final TrainingMonitor monitor;
  private final MicroBatches parts;
  private final TrainingStep step;
  private final AdamW optimizer;
  private final LearningRateSchedule schedule;
  private final long totalSteps;
  private final List<Float> losses = new ArrayList<>();
  private long samples;

  /**
   * Starts at the first step.
   *
   * @param manager owns all that lives as long as the training
   * @param stopped asked before every step
   */
  TrainingLoop(
      TrainingSettings settings,
      NDManager manager,
      PairLoader loader,
      TrainingMonitor monitor,
      BooleanSupplier stopped) {
    this.settings = settings;
    this.model = settings.model;
    this.stopped = stopped;
    this.manager = manager;
    this.loader = loader;
    this.monitor = monitor;
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

  TrainingResult run() throws IOException {
    monitor.begin(losses.size());
    long start = System.nanoTime();
    while (losses.size() < totalSteps && !stopped.getAsBoolean() && !monitor.isEnough()) {
      PairBatch batch = next();
      if (batch == null) {
        break;
      }
      long number = losses.size() + 1;
      double learningRate = schedule.at(losses.size());
      step.measure(monitor.measures(number));
      float loss = backward(batch);
      double norm = Float.isFinite(loss) ? optimizer.step(learningRate) : Double.NaN;
      if (!Double.isFinite(norm)) {
        throw monitor.notFinite(number, batch, loss, norm);
      }
      losses.add(loss);
      samples += batch.size();
      report(batch, loss, learningRate, norm, Duration.ofNanos(System.nanoTime() - start));
    }
    boolean cancelled = losses.size() < totalSteps && !monitor.isEnough();
    monitor.end(losses.size(), cancelled);
    UnreadableImages unreadable = loader.unreadable();
    float[] values = new float[losses.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = losses.get(i);
    }
    return new TrainingResult(
        settings.output,
        values.length,
        cancelled,
        values,
        samples,
        Duration.ofNanos(System.nanoTime() - start),
        unreadable.count(),
        unreadable.names(),
        monitor.summary());
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
      PairBatch batch, float loss, double learningRate, double norm, Duration elapsed)
      throws IOException {
    TrainingProgress progress =
        new TrainingProgress(
            losses.size(),
            totalSteps,
            batch.epoch() + 1,
            loss,
            learningRate,
            norm,
            model.logitScale(),
            samples / (elapsed.toNanos() / 1e9),
            elapsed,
            monitor.dataWait(batch.size(), loader.stats().waited()),
            BatchStatistics.of(
                batch, settings.maskDuplicateCaptions, model.config().isSigmoid(), step.cosines()));
    monitor.after(progress);
  }
}
