package org.clip4j.train;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.engine.Precision;
import org.clip4j.eval.Evaluation;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.KeyMap;
import org.clip4j.weights.Layout;
import org.jspecify.annotations.Nullable;

/**
 * Trains a CLIP model on image-text pairs, as OpenCLIP does: the symmetric contrastive loss, AdamW,
 * linear warm-up and cosine decay.
 *
 * <pre>{@code
 * TrainingResult result =
 *     ClipTrainer.builder()
 *         .setModel(model)
 *         .setPairs(Pairs.table(Path.of("captions.tsv")).columns("file", "caption").build())
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
 * {@link Finding}.
 *
 * <p>On one machine and device, the same model, pairs, settings and seed give bit-identical
 * weights. Trains once; on one thread, with others decoding images ahead. The caller closes the
 * model.
 */
public final class ClipTrainer {
  private final TrainingSettings settings;
  private volatile boolean cancelled;

  private ClipTrainer(TrainingSettings settings) {
    this.settings = settings;
    if (settings.output != null) {
      KeyMap.of(
          settings.layout,
          settings.model.config()); // what the layout cannot hold is said before the training
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
      return TrainingLoop.train(settings, this::stopped);
    } finally {
      end.close();
    }
  }

  private boolean stopped() {
    return cancelled || Thread.currentThread().isInterrupted();
  }

  /** Settings of a training: model and pairs are required, the others have defaults. */
  public static final class Builder {
    private final TrainingSettings settings = new TrainingSettings();

    private Builder() {}

    /** The model to train, new or loaded; its weights change in place. */
    public Builder setModel(ClipModel model) {
      settings.model = model;
      return this;
    }

    /** What to train on, see {@link org.clip4j.data.Pairs}. */
    public Builder setPairs(PairFeed pairs) {
      settings.pairs = pairs;
      return this;
    }

    /** The folder where the model is saved; by default it is not saved. */
    public Builder setOutput(Path output) {
      settings.output = output;
      return this;
    }

    /**
     * The layout in which the model is saved; by default OpenCLIP's, which every architecture fits.
     */
    public Builder optLayout(Layout layout) {
      settings.layout = layout;
      return this;
    }

    /**
     * How images become the model's input; by default OpenAI's transform at the model's image size.
     */
    public Builder optTransform(ImageTransform transform) {
      settings.transform = transform;
      return this;
    }

    /**
     * What turns captions into token ids; by default OpenAI's tokenizer. A model of another
     * vocabulary needs its own. The caller closes it, after the training.
     */
    public Builder optTokenizer(@Nullable Tokenizer tokenizer) {
      settings.tokenizer = tokenizer;
      return this;
    }

    /**
     * Random views of the images to train on, in place of the transform; by default none. {@link
     * Augmentation#openClip()} is OpenCLIP's default.
     */
    public Builder optAugmentation(Augmentation augmentation) {
      settings.augmentation = augmentation;
      return this;
    }

    /**
     * The share of damaged pairs beyond which the training ends with an error, see {@link
     * PairLoader.Builder#optMaxSkippedShare}; by default 0.01. The damaged pairs are listed in
     * {@code skipped.jsonl} in the output folder.
     */
    public Builder optMaxSkippedShare(double share) {
      settings.maxSkippedShare = share;
      return this;
    }

    /** Pairs that are contrasted with each other in one step; by default 128. */
    public Builder optBatchSize(int batchSize) {
      settings.batchSize = Limits.atLeast("batch size", 2, batchSize);
      return this;
    }

    /**
     * Pairs encoded at once, which bounds memory and not the result; by default the batch size. Set
     * it after that.
     */
    public Builder optMicroBatchSize(int microBatchSize) {
      settings.microBatchSize = Limits.atLeast("micro-batch size", 1, microBatchSize);
      return this;
    }

    /** Passes over the data; by default 30. */
    public Builder optEpochs(int epochs) {
      settings.epochs = Limits.atLeast("epochs", 1, epochs);
      return this;
    }

    /** Steps in all, in place of {@link #optEpochs}. */
    public Builder optSteps(long steps) {
      settings.steps = Limits.atLeast("steps", 1, steps);
      return this;
    }

    /** The highest learning rate; by default 5e-4. */
    public Builder optLearningRate(double learningRate) {
      settings.learningRate = Limits.notNegative("learning rate", learningRate);
      return this;
    }

    /** Weight decay of AdamW; by default 0.2. */
    public Builder optWeightDecay(double weightDecay) {
      settings.weightDecay = Limits.notNegative("weight decay", weightDecay);
      return this;
    }

    /** The global L2 norm that gradients are scaled down to; by default 0, no limit. */
    public Builder optMaxGradientNorm(double maxGradientNorm) {
      settings.maxGradientNorm = Limits.notNegative("maximum gradient norm", maxGradientNorm);
      return this;
    }

    /** Steps over which the learning rate rises; by default a twentieth of all. */
    public Builder optWarmupSteps(long warmupSteps) {
      settings.warmupSteps = Limits.atLeast("warm-up steps", 0, warmupSteps);
      return this;
    }

    /** Seed of the order of pairs and of the choice among captions; by default 0. */
    public Builder optSeed(long seed) {
      settings.seed = seed;
      return this;
    }

    /**
     * Whether pairs of a batch with the same caption or the same image are no negatives of each
     * other: the loss then spreads its targets evenly over them. By default false, as in the paper.
     * For data in which one caption fits many images, or one image has many captions.
     */
    public Builder optSpreadDuplicates(boolean spread) {
      settings.spreadDuplicates = spread;
      return this;
    }

    /**
     * What matrix products and attention are computed in; by default float32. Weights, gradients,
     * norms and the loss are float32 in each. Half precision scales the loss by a factor that
     * adapts itself.
     */
    public Builder optPrecision(Precision precision) {
      settings.precision = precision;
      return this;
    }

    /**
     * Devices that share out each batch; by default the model's own alone. The first must be that;
     * the loss is that of the whole batch. Batch norms see what is on their device.
     */
    public Builder optDevices(Device... devices) {
      settings.devices = List.of(devices);
      return this;
    }

    /** What keeps its weights; by default nothing. Of several, what any of them names. */
    public Builder optFreeze(Freezing... freezings) {
      settings.freezings = List.of(freezings);
      return this;
    }

    /** How the learning rate runs after its rise; by default a half cosine to 0. */
    public Builder optLearningRateDecay(LearningRateDecay decay) {
      settings.learningRateDecay = decay;
      return this;
    }

    /**
     * For fine-tuning: the factor, above 0 and at most 1, by which the learning rate falls from
     * each layer to the one below it. Heads, projections and the logit scale have the full rate,
     * the last block the factor times it, and so on down to the embeddings; in both towers. By
     * default 1.
     */
    public Builder optLayerDecay(double factor) {
      if (!(factor > 0 && factor <= 1)) {
        throw new IllegalArgumentException(
            "layer decay must be above 0 and at most 1, found " + factor);
      }
      settings.layerDecay = factor;
      return this;
    }

    /**
     * The share of a ViT's patches, at least 0 and below 1, that is left out, drawn anew for each
     * image and step (Li et al. 2023, "Scaling Language-Image Pre-training via Masking"); by
     * default what the model's configuration says, most often 0.
     */
    public Builder optPatchDropout(double share) {
      if (!(share >= 0 && share < 1)) {
        throw new IllegalArgumentException(
            "patch dropout must be at least 0 and below 1, found " + share);
      }
      settings.patchDropout = share;
      return this;
    }

    /**
     * Averages the weights over the training (an exponential moving average), and ends with the
     * average in the model; by default not.
     *
     * @param decay the average's weight in each step, at least 0 and below 1; 0.9999 for long
     *     trainings
     * @param warmup whether it is lower at the beginning, (1 + n) / (10 + n) after n steps
     */
    public Builder optAverageWeights(double decay, boolean warmup) {
      settings.ema = new Ema.Settings(decay, warmup);
      return this;
    }

    /**
     * Saves a checkpoint after every so many steps; by default not.
     *
     * <p>A checkpoint is a folder {@code checkpoints/step-N} in the output folder: the model as it
     * then is, in the training's layout, and all else that is needed to go on as if nothing had
     * happened, see {@link #optResume}. A training with checkpoints also saves one when it ends or
     * is {@linkplain ClipTrainer#cancel cancelled}. If one cannot be saved, for example since the
     * disk is full, that is logged as an error and the training goes on; the earlier ones stay.
     */
    public Builder optCheckpointSteps(long steps) {
      settings.checkpointSteps = Limits.atLeast("checkpoint steps", 1, steps);
      return this;
    }

    /**
     * Saves a checkpoint after the first step that ends so many minutes after the last was saved;
     * by default not. Together with {@link #optCheckpointSteps} either is enough.
     */
    public Builder optCheckpointMinutes(double minutes) {
      if (!(minutes > 0 && minutes < 1e9)) {
        throw new IllegalArgumentException(
            "minutes between checkpoints must be above 0, found " + minutes);
      }
      settings.checkpointInterval = Duration.ofNanos((long) (minutes * 60e9));
      return this;
    }

    /** How many of the last checkpoints are kept; by default 3. Older ones are deleted. */
    public Builder optKeepLast(int checkpoints) {
      settings.keepLast = Limits.atLeast("kept checkpoints", 1, checkpoints);
      return this;
    }

    /**
     * Continues from the output folder's last checkpoint that is whole, or starts anew if there is
     * none; by default false, and checkpoints in the folder are an error.
     *
     * <p>The weights of the model that was set are replaced by the saved ones. On the same machine
     * the training ends with the weights, bit by bit, that it would have had without a break.
     * Settings that change the weights, and the pairs, must be as they were, see {@link
     * #optAllowedChanges}.
     */
    public Builder optResume(boolean resume) {
      settings.resume = resume;
      return this;
    }

    /**
     * Settings that may differ from those of the training that is resumed; by default none. For
     * example {@code totalSteps}, {@code warmupSteps} to train for more epochs, or {@code data}.
     * The error that names what differs has their names.
     */
    public Builder optAllowedChanges(String... names) {
      settings.allowedChanges = Set.of(names);
      return this;
    }

    /** Threads that decode images; by default one less than there are cores, at least one. */
    public Builder optDecodeThreads(int threads) {
      settings.decodeThreads = Limits.atLeast("decode threads", 1, threads);
      return this;
    }

    /**
     * Java memory in which transformed images are kept from epoch to epoch; by default a quarter of
     * the heap.
     */
    public Builder optImageCacheBytes(long bytes) {
      settings.imageCacheBytes = Limits.atLeast("image cache bytes", 0, bytes);
      return this;
    }

    /**
     * Measures retrieval among pairs that are not trained on, see {@link Evaluation#retrieval}.
     *
     * @param pairs at least one
     */
    public Builder optHeldOut(PairSource pairs) {
      return optEvaluation(Evaluation.retrieval(pairs));
    }

    /** Measures zero-shot accuracy among own classes, see {@link Evaluation#zeroShot}. */
    public Builder optZeroShot(
        String name, List<String> classes, List<String> templates, List<LabelledImage> images) {
      return optEvaluation(Evaluation.zeroShot(name, classes, templates, images));
    }

    /**
     * Adds something to measure the model by, before the first step, while it is trained and at the
     * end; with averaged weights if {@link #optAverageWeights} says so.
     */
    public Builder optEvaluation(Evaluation evaluation) {
      settings.evaluations.add(evaluation);
      return this;
    }

    /** Steps from one evaluation to the next; by default an epoch's. */
    public Builder optEvaluateEverySteps(long steps) {
      settings.evaluateEverySteps = Limits.atLeast("steps between evaluations", 1, steps);
      return this;
    }

    /**
     * The evaluations' value, of which higher is better, by which the best model is chosen; by
     * default none. The model is saved in the folder {@code best} in the output folder, and a
     * training with checkpoints keeps that of the best step.
     *
     * @param metric for example {@code retrieval.text_to_image.r1}
     */
    public Builder optBestBy(String metric) {
      settings.bestBy = metric;
      return this;
    }

    /**
     * Ends the training after so many evaluations in a row that brought no better model; needs
     * {@link #optBestBy}. By default it goes on to its last step.
     */
    public Builder optEarlyStopping(int patience) {
      settings.patience = Limits.atLeast("patience", 1, patience);
      return this;
    }

    /** Steps from one line of {@code metrics.jsonl} to the next; by default 1. */
    public Builder optMetricsEverySteps(int steps) {
      settings.metricsEverySteps = Limits.atLeast("steps between metrics", 1, steps);
      return this;
    }

    /** Adds a listener. */
    public Builder optListener(TrainingListener listener) {
      settings.listeners.add(listener);
      return this;
    }

    /** Checks that nothing is missing, and that the settings go together. */
    public ClipTrainer build() {
      settings.check();
      return new ClipTrainer(settings.copy());
    }
  }
}
