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
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.loss.Matches;
import org.clip4j.model.ClipModel;

/** The steps of one training, and its state between them. */
final class TrainingLoop {
  private final TrainingSettings settings;
  private final ClipModel model;
  private final BooleanSupplier stopped;
  private final NDManager manager;
  private final PairLoader loader;
  private final MicroBatches parts;
  private final TrainingStep step;
  private final Replicas replicas;
  private final AdamW optimizer;
  private final LossScaler scaler; // null: the loss is not scaled
  private final Ema ema; // null: weights are not averaged
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
      TrainingSettings settings, NDManager manager, PairLoader loader, BooleanSupplier stopped) {
    this.settings = settings;
    this.model = settings.model;
    this.stopped = stopped;
    this.manager = manager;
    this.loader = loader;
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

  /** Trains; the model ends with the averaged weights, if they are averaged. */
  TrainingResult run() throws IOException {
    try (replicas) {
      TrainingResult result = steps();
      if (ema != null) {
        ema.swap();
      }
      return result;
    }
  }

  private TrainingResult steps() throws IOException {
    long start = System.nanoTime();
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
      double norm = update(learningRate);
      losses.add(loss);
      samples += batch.size();
      report(batch, loss, learningRate, norm, Duration.ofNanos(System.nanoTime() - start));
    }
    UnreadableImages unreadable = loader.unreadable();
    float[] values = new float[losses.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = losses.get(i);
    }
    return new TrainingResult(
        settings.output,
        values.length,
        values.length < totalSteps,
        values,
        samples,
        Duration.ofNanos(System.nanoTime() - start),
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
          scratch,
          parts.of(batch, replicas.models().size()),
          settings.spreadDuplicates
              ? Matches.of(batch.captionIds(), batch.imageIds())
              : Matches.OWN,
          scaler == null ? 1 : scaler.scale());
    }
  }

  /** The gradients' norm, which half precision may find infinite: the step is then skipped. */
  private double update(double learningRate) {
    double norm = optimizer.step(learningRate, scaler == null ? 1 : scaler.scale());
    boolean finite = Double.isFinite(norm);
    if (scaler != null) {
      scaler.update(finite);
    } else if (!finite) {
      throw new IllegalStateException(
          "the gradients' norm became "
              + norm
              + " at step "
              + (losses.size() + 1)
              + "; nothing was updated; try a lower learning rate than "
              + settings.learningRate);
    }
    if (finite) {
      replicas.copyFromFirst();
      if (ema != null) {
        ema.update();
      }
    }
    return norm;
  }

  private void report(
      PairBatch batch, float loss, double learningRate, double norm, Duration elapsed) {
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
            elapsed);
    settings.listeners.forEach(listener -> listener.onStep(progress));
  }
}
