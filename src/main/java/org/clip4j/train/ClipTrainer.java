package org.clip4j.train;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.clip4j.data.PairFeed;
import org.clip4j.engine.Precision;
import org.clip4j.io.Limits;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraOptions;
import org.clip4j.train.internal.plan.TrainingPlan;
import org.clip4j.train.monitor.TrainingDivergedException;
import org.clip4j.train.monitor.TrainingListener;
import org.clip4j.train.options.CheckpointOptions;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.EvaluationOptions;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.train.options.ScheduleOptions;
import org.clip4j.train.options.Teacher;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.weights.Layout;
import org.clip4j.weights.ModelOrigin;
import org.jspecify.annotations.Nullable;

/**
 * Trains a CLIP model on image-text pairs, as OpenCLIP does: the symmetric contrastive loss, AdamW,
 * linear warm-up and cosine decay.
 *
 * <pre>{@code
 * TrainingResult result =
 *     ClipTrainer.builder()
 *         .setModel(model)
 *         .setPairs(Pairs.table(Path.of("captions.tsv")).setColumns("file", "caption").build())
 *         .setOutput(Path.of("run"))
 *         .optBatchSize(128)
 *         .optEpochs(30)
 *         .build()
 *         .train();
 * }</pre>
 *
 * <p>With an output folder a training leaves there, as it goes, {@code report.html}, {@code
 * metrics.jsonl} (a JSON object a line: steps, evaluations, findings) and TensorBoard's files in
 * {@code tensorboard}. What looks wrong is logged as a warning, once, and told to listeners, see
 * {@link org.clip4j.train.monitor.Finding}.
 *
 * <p>On one machine and device, the same model, pairs, settings and seed give bit-identical
 * weights. Trains once; on one thread, with others decoding images ahead. The caller closes the
 * model.
 */
public final class ClipTrainer {
  private final TrainingPlan plan;
  private volatile boolean cancelled;

  private ClipTrainer(TrainingPlan plan) {
    this.plan = plan;
    if (plan.output != null) {
      // what the layout cannot hold is said before the training
      (plan.lora == null ? plan.layout : Layout.TRANSFORMERS).requireHolds(plan.model.config());
    }
  }

  /** Starts with the defaults named at each setting. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Ends the training after the step under way. The model is saved as it then is, and a checkpoint
   * if the training has any, so that it can be resumed. For any thread.
   */
  public void cancel() {
    cancelled = true;
  }

  /**
   * Trains until the last step, until {@link #cancel()}, or until the thread is interrupted, and
   * saves a last checkpoint, if the training has any, and the model.
   *
   * <p>When the process is ended meanwhile, by a signal such as Ctrl-C or by {@link System#exit},
   * the training is cancelled in the same way, and the process ends after it.
   *
   * @throws IOException if no image can be read, the training cannot be resumed as asked, or the
   *     last checkpoint or the model cannot be saved
   * @throws TrainingDivergedException if the loss or a gradient is not finite
   */
  public TrainingResult train() throws IOException {
    EndOfProcess end = new EndOfProcess(this::cancel);
    try {
      return TrainingLoop.train(plan, this::stopped);
    } finally {
      end.close();
    }
  }

  private boolean stopped() {
    return cancelled || Thread.currentThread().isInterrupted();
  }

  /**
   * Collects the settings of a training: model and pairs are required, the others have defaults.
   */
  public static final class Builder {
    private final TrainingPlan plan = new TrainingPlan();

    private Builder() {}

    /** Sets the model to train, new or loaded; its weights change in place. */
    public Builder setModel(ClipModel model) {
      plan.model = model;
      return this;
    }

    /** Sets what to train on, see {@link org.clip4j.data.Pairs}. */
    public Builder setPairs(PairFeed pairs) {
      plan.pairs = pairs;
      return this;
    }

    /** Sets the folder where the model is saved; by default it is not saved. */
    public Builder setOutput(Path output) {
      plan.output = output;
      return this;
    }

    /**
     * Sets the layout in which the model is saved; by default OpenCLIP's, which every architecture
     * fits.
     */
    public Builder optLayout(Layout layout) {
      plan.layout = layout;
      return this;
    }

    /**
     * Sets what the model was loaded from, which the models that are written record; nothing by
     * default.
     *
     * @param origins as {@link org.clip4j.weights.Checkpoint#origins} tells them
     */
    public Builder optMadeFrom(List<ModelOrigin> origins) {
      plan.madeFrom = List.copyOf(origins);
      return this;
    }

    /** Sets the number of pairs that are contrasted with each other in one step; by default 128. */
    public Builder optBatchSize(int batchSize) {
      plan.batchSize = Limits.atLeast("batch size", 2, batchSize);
      return this;
    }

    /**
     * Sets the number of pairs encoded at once, which bounds memory and not the result; by default
     * the batch size, and for an adapter half of it, but at least 8.
     */
    public Builder optMicroBatchSize(int microBatchSize) {
      plan.microBatchSize = Limits.atLeast("micro-batch size", 1, microBatchSize);
      return this;
    }

    /** Sets the number of passes over the data; by default 30. */
    public Builder optEpochs(int epochs) {
      plan.epochs = Limits.atLeast("epochs", 1, epochs);
      return this;
    }

    /** Sets the number of steps in all, in place of {@link #optEpochs}. */
    public Builder optSteps(long steps) {
      plan.steps = Limits.atLeast("steps", 1, steps);
      return this;
    }

    /** Sets the seed of the order of pairs and of the choice among captions; by default 0. */
    public Builder optSeed(long seed) {
      plan.seed = seed;
      return this;
    }

    /**
     * Sets what matrix products and attention are computed in; by default float32. Weights,
     * gradients, norms and the loss are float32 in each. Half precision scales the loss by a factor
     * that adapts itself.
     */
    public Builder optPrecision(Precision precision) {
      plan.precision = precision;
      return this;
    }

    /**
     * Sets the devices that share out each batch; by default the model's own alone. The first must
     * be that; the loss is that of the whole batch. Batch norms see what is on their device.
     */
    public Builder optDevices(Device... devices) {
      plan.devices = List.of(devices);
      return this;
    }

    /**
     * Sets workers in other processes that compute each batch; by default it is computed here. The
     * loss is that of the whole batch, and checkpoints are the same. The caller closes them.
     */
    public Builder optWorkers(BatchWorkers workers) {
      plan.workers = workers;
      return this;
    }

    /**
     * Sets how pairs become the model's input: transform, tokenizer, augmentation, patch dropout,
     * decoding, duplicates; by default {@link DataOptions#DEFAULT}.
     */
    public Builder optData(DataOptions options) {
      plan.data = options;
      return this;
    }

    /** Changes some of {@link #optData(DataOptions)}, and leaves the others as they are. */
    public Builder optData(Consumer<DataOptions.Builder> change) {
      DataOptions.Builder options = plan.data.toBuilder();
      change.accept(options);
      return optData(options.build());
    }

    /**
     * Trains an adapter in place of the weights, which stay as they are, the logit scale among
     * them. What is saved is the adapter alone, in the layout of Python's {@code peft} ({@link
     * org.clip4j.weights.PeftAdapter}). When the training ends the adapter is attached to the
     * model, see {@link ClipModel#adapters}.
     *
     * @param options {@link LoraOptions#DEFAULT} is CLIP-LoRA's setting
     */
    public Builder optLora(LoraOptions options) {
      plan.lora = options;
      plan.adapter = null;
      return this;
    }

    /** Trains an adapter, as above, that has been trained before. */
    public Builder optLora(LoraAdapter adapter) {
      plan.lora = adapter.options();
      plan.adapter = adapter;
      return this;
    }

    /**
     * Sets a larger model that this one learns from besides the pairs, as OpenCLIP's distillation
     * does; by default none. The loss is then the sum of both.
     */
    public Builder optTeacher(@Nullable Teacher teacher) {
      plan.teacher = teacher;
      return this;
    }

    /**
     * Sets how AdamW updates the weights: weight decay, gradient norm, layer decay, averaging,
     * freezing; by default {@link OptimizerOptions#DEFAULT}.
     */
    public Builder optOptimizer(OptimizerOptions options) {
      plan.optimizer = options;
      return this;
    }

    /**
     * Changes some of {@link #optOptimizer(OptimizerOptions)}, and leaves the others as they are.
     */
    public Builder optOptimizer(Consumer<OptimizerOptions.Builder> change) {
      OptimizerOptions.Builder options = plan.optimizer.toBuilder();
      change.accept(options);
      return optOptimizer(options.build());
    }

    /**
     * Sets how the learning rate runs: its highest value, warm-up and decay; by default {@link
     * ScheduleOptions#DEFAULT}.
     */
    public Builder optSchedule(ScheduleOptions options) {
      plan.schedule = options;
      return this;
    }

    /** Changes some of {@link #optSchedule(ScheduleOptions)}, and leaves the others as they are. */
    public Builder optSchedule(Consumer<ScheduleOptions.Builder> change) {
      ScheduleOptions.Builder options = plan.schedule.toBuilder();
      change.accept(options);
      return optSchedule(options.build());
    }

    /**
     * Sets when checkpoints are saved, how many are kept, and whether the training resumes; by
     * default {@link CheckpointOptions#DEFAULT}.
     */
    public Builder optCheckpoints(CheckpointOptions options) {
      plan.checkpoints = options;
      return this;
    }

    /**
     * Changes some of {@link #optCheckpoints(CheckpointOptions)}, and leaves the others as they
     * are.
     */
    public Builder optCheckpoints(Consumer<CheckpointOptions.Builder> change) {
      CheckpointOptions.Builder options = plan.checkpoints.toBuilder();
      change.accept(options);
      return optCheckpoints(options.build());
    }

    /**
     * Sets what the model is measured by while it is trained, and when that ends the training; by
     * default {@link EvaluationOptions#DEFAULT}.
     */
    public Builder optEvaluation(EvaluationOptions options) {
      plan.evaluation = options;
      return this;
    }

    /**
     * Changes some of {@link #optEvaluation(EvaluationOptions)}, and leaves the others as they are.
     */
    public Builder optEvaluation(Consumer<EvaluationOptions.Builder> change) {
      EvaluationOptions.Builder options = plan.evaluation.toBuilder();
      change.accept(options);
      return optEvaluation(options.build());
    }

    /**
     * Sets the number of steps from one line of {@code metrics.jsonl} to the next; by default 1.
     */
    public Builder optMetricsEverySteps(int steps) {
      plan.metricsEverySteps = Limits.atLeast("steps between metrics", 1, steps);
      return this;
    }

    /** Adds a listener. */
    public Builder optListener(TrainingListener listener) {
      plan.listeners.add(listener);
      return this;
    }

    /** Checks that nothing is missing, and that the settings go together. */
    public ClipTrainer build() {
      plan.check();
      return new ClipTrainer(plan.copy());
    }
  }
}
