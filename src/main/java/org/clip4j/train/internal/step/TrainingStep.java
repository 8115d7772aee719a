package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.PlainArithmetic;
import org.clip4j.loss.Matches;
import org.clip4j.loss.TeacherEmbeddings;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.train.internal.checkpoint.StatefulPart;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.Freezing;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.train.options.Teacher;

/**
 * Updates a model from one batch at a time: with the gradients of the loss, the optimizer, the loss
 * scale, the copies on other devices and the average of the weights.
 */
public final class TrainingStep implements AutoCloseable {

  /**
   * Tells what came of a step.
   *
   * @param loss of the batch
   * @param gradientNorm global L2 norm of the gradients, before any limit; not finite where nothing
   *     was updated
   * @param diverged whether training cannot go on: the loss or a gradient is not finite, and half
   *     precision is not the cause
   * @param imageCosine mean cosine similarity of two different images; NaN if it was not measured
   * @param textCosine as {@code imageCosine}, of two captions
   */
  public record Outcome(
      float loss, double gradientNorm, boolean diverged, double imageCosine, double textCosine) {}

  private final NDManager manager;
  private final boolean spreadDuplicates;
  private final boolean keepsStatistics; // of each batch, in the forward pass
  private final MicroBatches parts;
  private final Replicas replicas;
  private final BatchGradients gradients;
  private final RemoteBatches remote; // null: the batch is computed here
  private final AdamW optimizer;
  private final LossScaler scaler; // null: the loss is not scaled
  private final MovingAverage average; // null: weights are not averaged
  private final Teacher teacher; // null: there is none
  private TeacherEmbeddings taught = TeacherEmbeddings.NONE; // of the batch under way

  /**
   * Starts with zero moments, and makes the model record gradients for what is not frozen.
   *
   * @param manager owns all that lives as long as the training
   */
  public TrainingStep(NDManager manager, ClipModel model, TrainingPlan plan) {
    this.manager = manager;
    OptimizerOptions options = plan.optimizer;
    DataOptions data = plan.data;
    spreadDuplicates = data.spreadDuplicates();
    keepsStatistics = model.config().vision().hasBatchNorm();
    PatchDropout dropout =
        data.patchDropout() > 0 && model.config().vision() instanceof VisionTransformerConfig vit
            ? new PatchDropout(data.patchDropout(), vit.patches(), plan.seed)
            : null;
    parts =
        new MicroBatches(
            manager,
            data.transform(),
            plan.microBatchSize,
            model.config(),
            dropout,
            plan.lora == null || plan.lora.dropout() == 0 ? null : new AdapterDropout(plan.seed));
    freeze(model, options.freezings());
    optimizer = new AdamW(manager, model, options);
    scaler = plan.precision == Precision.FP16 ? new LossScaler() : null;
    average = options.averageDecay() == 0 ? null : new MovingAverage(manager, model, options);
    replicas = new Replicas(manager, model, plan.otherDevices());
    gradients = new BatchGradients(manager, replicas, plan.precision);
    remote = plan.workers == null ? null : new RemoteBatches(plan.workers, model, plan);
    teacher = plan.teacher;
  }

  /**
   * Makes a model record gradients for what none of these freezes; with an adapter attached, for
   * that alone.
   */
  static void freeze(ClipModel model, List<Freezing> freezings) {
    ClipConfig config = model.config();
    model.setTrainable(
        spec ->
            (!model.adapters().isAttached() || model.adapters().hasAttached(spec.name()))
                && freezings.stream().noneMatch(each -> each.freezes(config, spec.name())));
  }

  /** Returns what a checkpoint keeps besides the weights. */
  public List<StatefulPart> state() {
    return Stream.of(optimizer, scaler, average).filter(Objects::nonNull).toList();
  }

  /** Takes note that the weights were replaced. */
  public void restored() {
    replicas.copyFromFirst();
  }

  /**
   * Asks the teacher, if there is one, what it makes of the coming batch; before each step.
   *
   * @throws IOException if it cannot tell; no state has changed
   */
  public void ask(PairBatch batch) throws IOException {
    if (teacher != null) {
      int image = batch.pixels().length / batch.size();
      byte[][] levels = new byte[batch.size()][];
      for (int i = 0; i < levels.length; i++) {
        levels[i] = Arrays.copyOfRange(batch.pixels(), i * image, (i + 1) * image);
      }
      taught =
          new TeacherEmbeddings(
              teacher.images(batch.names(), levels),
              teacher.texts(batch.captions()),
              teacher.logitScale());
    }
  }

  /**
   * Updates the weights from a batch, if the loss and all gradients are finite.
   *
   * @param measured whether to measure how alike the embeddings are, which on a GPU makes the step
   *     wait for its result
   * @param changes told before any state changes
   */
  public Outcome run(PairBatch batch, double learningRate, boolean measured, Runnable changes) {
    gradients.measure(measured);
    if (keepsStatistics) {
      changes.run();
    }
    try (NDManager scratch = manager.newSubManager()) {
      double scale = scaler == null ? 1 : scaler.scale();
      BatchGradients.Gradients found =
          remote == null
              ? gradients.backward(scratch, micro(batch), matches(batch), taught, scale)
              : gradients.backward(
                  remote.encode(scratch, parts.parts(batch, remote.count())),
                  matches(batch),
                  taught,
                  scale);
      if (!Float.isFinite(found.loss())) {
        return outcome(found.loss(), Double.NaN, true);
      }
      changes.run();
      double norm = optimizer.step(found.byName(), learningRate, scale);
      boolean finite = Double.isFinite(norm);
      if (scaler == null ? !finite : !scaler.update(finite)) {
        return outcome(found.loss(), norm, true);
      }
      if (finite) {
        replicas.copyFromFirst();
        if (average != null) {
          average.update();
        }
      }
      return outcome(found.loss(), norm, false);
    }
  }

  private Outcome outcome(float loss, double norm, boolean diverged) {
    BatchGradients.Cosines cosines = gradients.cosines();
    return new Outcome(loss, norm, diverged, cosines.image(), cosines.text());
  }

  /** Returns whether loss and gradients of the same step are finite without any native kernel. */
  public boolean isFinitePlainly(PairBatch batch) {
    try (NDManager scratch = manager.newSubManager()) {
      BatchGradients plain = new BatchGradients(scratch, replicas, Precision.FP32);
      BatchGradients.Gradients found =
          PlainArithmetic.only(
              () -> plain.backward(scratch, micro(batch), matches(batch), taught, 1));
      return Float.isFinite(found.loss())
          && found.byName().values().stream()
              .allMatch(gradient -> Float.isFinite(gradient.abs().max().getFloat()));
    }
  }

  private List<BatchGradients.MicroBatch> micro(PairBatch batch) {
    return parts.of(batch, replicas.models().size());
  }

  private Matches matches(PairBatch batch) {
    return spreadDuplicates ? Matches.of(batch.captionIds(), batch.imageIds()) : Matches.OWN;
  }

  /**
   * Exchanges the model's weights and their average, if they are averaged: to evaluate or save the
   * average, and once more to go on training.
   */
  public void swapAverage() {
    if (average != null) {
      average.swap();
    }
  }

  /** Ends the threads of several devices. */
  @Override
  public void close() {
    replicas.close();
  }
}
