package org.clip4j.train;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairLoader;
import org.clip4j.data.PairSource;
import org.clip4j.engine.Autograd;
import org.clip4j.eval.Evaluation;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.CheckpointWriter;
import org.clip4j.weights.KeyMap;
import org.clip4j.weights.Layout;

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
   * Ends the training after the step under way; the model is saved as it then is. For any thread.
   */
  public void cancel() {
    cancelled = true;
  }

  /**
   * Trains until the last step, until {@link #cancel()}, or until the thread is interrupted, and
   * saves the model.
   *
   * @throws IOException if no image can be read, or the model cannot be saved
   * @throws TrainingDivergedException if the loss or a gradient is not finite
   */
  public TrainingResult train() throws IOException {
    if (settings.output != null) {
      Files.createDirectories(settings.output);
    }
    ClipModel model = settings.model;
    model.setTrainable(true);
    model.parameters().values().forEach(Autograd::clear); // of a training that failed midway
    try (NDManager manager = model.manager().newSubManager();
        PairLoader loader = settings.loader();
        TrainingMonitor monitor = TrainingMonitor.open(settings, 0, this::save)) {
      TrainingResult result =
          new TrainingLoop(settings, manager, loader, monitor, this::stopped).run();
      if (settings.output != null) {
        save(settings.output);
      }
      return result;
    } finally {
      model.setTrainable(false);
    }
  }

  private void save(Path folder) throws IOException {
    boolean interrupted = Thread.interrupted(); // an interrupted thread cannot write files
    try {
      CheckpointWriter.of(settings.model.config(), settings.transform(), settings.model.values())
          .optTokenizer(settings.tokenizer())
          .write(folder, settings.layout);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
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

    /** What to train on. */
    public Builder setPairs(PairSource pairs) {
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
    public Builder optTokenizer(Tokenizer tokenizer) {
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
      settings.batchSize = atLeast("batch size", 2, batchSize);
      return this;
    }

    /**
     * Pairs encoded at once, which bounds memory and not the result; by default the batch size. Set
     * it after that.
     */
    public Builder optMicroBatchSize(int microBatchSize) {
      settings.microBatchSize = atLeast("micro-batch size", 1, microBatchSize);
      return this;
    }

    /** Passes over the data; by default 30. */
    public Builder optEpochs(int epochs) {
      settings.epochs = atLeast("epochs", 1, epochs);
      return this;
    }

    /** Steps in all, in place of {@link #optEpochs}. */
    public Builder optSteps(long steps) {
      settings.steps = atLeast("steps", 1, steps);
      return this;
    }

    /** The highest learning rate; by default 5e-4. */
    public Builder optLearningRate(double learningRate) {
      settings.learningRate = notNegative("learning rate", learningRate);
      return this;
    }

    /** Weight decay of AdamW; by default 0.2. */
    public Builder optWeightDecay(double weightDecay) {
      settings.weightDecay = notNegative("weight decay", weightDecay);
      return this;
    }

    /** The global L2 norm that gradients are scaled down to; by default 0, no limit. */
    public Builder optMaxGradientNorm(double maxGradientNorm) {
      settings.maxGradientNorm = notNegative("maximum gradient norm", maxGradientNorm);
      return this;
    }

    /** Steps over which the learning rate rises; by default a twentieth of all. */
    public Builder optWarmupSteps(long warmupSteps) {
      settings.warmupSteps = atLeast("warm-up steps", 0, warmupSteps);
      return this;
    }

    /** Seed of the order of pairs and of the choice among captions; by default 0. */
    public Builder optSeed(long seed) {
      settings.seed = seed;
      return this;
    }

    /**
     * Whether pairs with equal captions are no negatives of each other; by default false, as in the
     * paper. For data in which one caption fits many images.
     */
    public Builder optMaskDuplicateCaptions(boolean mask) {
      settings.maskDuplicateCaptions = mask;
      return this;
    }

    /** Threads that decode images; by default one less than there are cores, at least one. */
    public Builder optDecodeThreads(int threads) {
      settings.decodeThreads = atLeast("decode threads", 1, threads);
      return this;
    }

    /**
     * Java memory in which transformed images are kept from epoch to epoch; by default a quarter of
     * the heap.
     */
    public Builder optImageCacheBytes(long bytes) {
      settings.imageCacheBytes = atLeast("image cache bytes", 0, bytes);
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

    /** Adds something to measure the model by before, while and after it is trained. */
    public Builder optEvaluation(Evaluation evaluation) {
      settings.evaluations.add(evaluation);
      return this;
    }

    /** Steps from one evaluation to the next; by default an epoch's. */
    public Builder optEvaluateEverySteps(long steps) {
      settings.evaluateEverySteps = atLeast("steps between evaluations", 1, steps);
      return this;
    }

    /**
     * The evaluations' value, of which higher is better, by which the best model is chosen; it is
     * saved in the folder {@code best} in the output folder. By default none.
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
      settings.patience = atLeast("patience", 1, patience);
      return this;
    }

    /** Steps from one line of {@code metrics.jsonl} to the next; by default 1. */
    public Builder optMetricsEverySteps(int steps) {
      settings.metricsEverySteps = atLeast("steps between metrics", 1, steps);
      return this;
    }

    /** Adds a listener. */
    public Builder optListener(TrainingListener listener) {
      settings.listeners.add(listener);
      return this;
    }

    /** Checks that nothing is missing. */
    public ClipTrainer build() {
      if (settings.model == null) {
        throw new IllegalArgumentException(
            "a training needs a model: setModel(ClipModel.create(config, seed)), or one loaded");
      }
      if (settings.pairs == null || settings.pairs.size() == 0) {
        throw new IllegalArgumentException(
            "a training needs pairs: setPairs(Pairs.table(file).columns(image, caption).build())");
      }
      int vocabSize = settings.model.config().text().vocabSize();
      if (settings.tokenizer == null && !ClipTokenizer.fits(vocabSize)) {
        throw new IllegalArgumentException(ClipTokenizer.misfit(vocabSize));
      }
      if (settings.bestBy != null && settings.evaluations.isEmpty()) {
        throw new IllegalArgumentException(
            "to choose the best model by "
                + settings.bestBy
                + " it must be evaluated: optHeldOut(pairs), optZeroShot(...) or optEvaluation(...)");
      }
      if (settings.patience > 0 && settings.bestBy == null) {
        throw new IllegalArgumentException(
            "early stopping needs the metric that is to improve: optBestBy(\"retrieval.text_to_image.r1\")");
      }
      return new ClipTrainer(settings.copy());
    }

    private static int atLeast(String name, int limit, int value) {
      return (int) atLeast(name, limit, (long) value);
    }

    private static long atLeast(String name, long limit, long value) {
      if (value < limit) {
        throw new IllegalArgumentException(
            name + " must be at least " + limit + ", found " + value);
      }
      return value;
    }

    private static double notNegative(String name, double value) {
      if (!(value >= 0) || Double.isInfinite(value)) {
        throw new IllegalArgumentException(
            name + " must be a number of at least 0, found " + value);
      }
      return value;
    }
  }
}
