package org.clip4j.train;

import ai.djl.ndarray.NDManager;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.PairBatch;
import org.clip4j.data.PairLoader;
import org.clip4j.data.PairSource;
import org.clip4j.data.UnreadableImages;
import org.clip4j.engine.Autograd;
import org.clip4j.engine.PixelKernels;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
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
 * <p>On one machine and device, the same model, pairs, settings and seed give bit-identical
 * weights. Trains once; on one thread, with others decoding images ahead. The caller closes the
 * model.
 */
public final class ClipTrainer {
  private final Builder settings;
  private final ClipModel model;
  private final ImageTransform transform;
  private final Tokenizer tokenizer;
  private volatile boolean cancelled;

  private ClipTrainer(Builder settings) {
    this.settings = settings;
    model = settings.model;
    ClipConfig config = model.config();
    transform =
        settings.transform != null
            ? settings.transform
            : ImageTransform.openai(config.vision().imageHeight(), config.vision().imageWidth());
    tokenizer = ClipTokenizer.create(config.text().contextLength());
    if (settings.output != null) {
      KeyMap.of(
          settings.layout,
          config); // what the layout cannot hold is said before the training, not after it
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
   */
  public TrainingResult train() throws IOException {
    if (settings.output != null) {
      Files.createDirectories(settings.output);
    }
    model.setTrainable(true);
    model.parameters().values().forEach(Autograd::clear); // of a training that failed midway
    try (NDManager manager = model.manager().newSubManager();
        PairLoader loader = settings.loader(transform, tokenizer)) {
      Loop loop = new Loop(manager, loader);
      TrainingResult result = loop.run();
      save();
      return result;
    } finally {
      model.setTrainable(false);
    }
  }

  private void save() throws IOException {
    if (settings.output == null) {
      return;
    }
    boolean interrupted = Thread.interrupted(); // an interrupted thread cannot write files
    try {
      Checkpoint.save(settings.output, settings.layout, model.config(), transform, model.values());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private boolean stopped() {
    return cancelled || Thread.currentThread().isInterrupted();
  }

  /** One training's state. */
  private final class Loop {
    private final NDManager manager;
    private final PairLoader loader;
    private final MicroBatches parts;
    private final TrainingStep step;
    private final AdamW optimizer;
    private final LearningRateSchedule schedule;
    private final long totalSteps;
    private final List<Float> losses = new ArrayList<>();
    private long samples;

    Loop(NDManager manager, PairLoader loader) {
      this.manager = manager;
      this.loader = loader;
      parts =
          new MicroBatches(
              transform,
              new PixelKernels(manager, transform.mean(), transform.std()),
              settings.microBatchSize(),
              model.config().vision().isResNet());
      step = new TrainingStep(manager, model);
      optimizer = new AdamW(manager, model, settings.hyperparameters());
      totalSteps = settings.totalSteps();
      schedule =
          new LearningRateSchedule(
              settings.learningRate, settings.warmupSteps(totalSteps), totalSteps);
    }

    TrainingResult run() throws IOException {
      long start = System.nanoTime();
      while (losses.size() < totalSteps && !stopped()) {
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
            scratch, parts.of(batch), settings.maskDuplicateCaptions ? batch.captionIds() : null);
      }
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

  /** Settings of a training: model and pairs are required, the others have defaults. */
  public static final class Builder implements Cloneable {
    private ClipModel model;
    private PairSource pairs;
    private Path output;
    private Layout layout = Layout.OPENCLIP;
    private ImageTransform transform;
    private Augmentation augmentation;
    private double maxSkippedShare = 0.01;
    private int batchSize = 128;
    private int microBatchSize; // 0: the batch size
    private int epochs = 30;
    private long steps;
    private double learningRate = 5e-4;
    private double weightDecay = 0.2;
    private double maxGradientNorm;
    private long warmupSteps = -1;
    private long seed;
    private boolean maskDuplicateCaptions;
    private int decodeThreads;
    private long imageCacheBytes = Runtime.getRuntime().maxMemory() / 4;
    private List<TrainingListener> listeners = new ArrayList<>();

    private Builder() {}

    /** The model to train, new or loaded; its weights change in place. */
    public Builder setModel(ClipModel model) {
      this.model = model;
      return this;
    }

    /** What to train on. */
    public Builder setPairs(PairSource pairs) {
      this.pairs = pairs;
      return this;
    }

    /** The folder where the model is saved; by default it is not saved. */
    public Builder setOutput(Path output) {
      this.output = output;
      return this;
    }

    /**
     * The layout in which the model is saved; by default OpenCLIP's, which every architecture fits.
     */
    public Builder optLayout(Layout layout) {
      this.layout = layout;
      return this;
    }

    /**
     * How images become the model's input; by default OpenAI's transform at the model's image size.
     */
    public Builder optTransform(ImageTransform transform) {
      this.transform = transform;
      return this;
    }

    /**
     * Random views of the images to train on, in place of the transform; by default none. {@link
     * Augmentation#openClip()} is OpenCLIP's default.
     */
    public Builder optAugmentation(Augmentation augmentation) {
      this.augmentation = augmentation;
      return this;
    }

    /**
     * The share of damaged pairs beyond which the training ends with an error, see {@link
     * PairLoader.Builder#optMaxSkippedShare}; by default 0.01. The damaged pairs are listed in
     * {@code skipped.jsonl} in the output folder.
     */
    public Builder optMaxSkippedShare(double share) {
      maxSkippedShare = share;
      return this;
    }

    /** Pairs that are contrasted with each other in one step; by default 128. */
    public Builder optBatchSize(int batchSize) {
      this.batchSize = atLeast("batch size", 2, batchSize);
      return this;
    }

    /**
     * Pairs encoded at once, which bounds memory and not the result; by default the batch size. Set
     * it after that.
     */
    public Builder optMicroBatchSize(int microBatchSize) {
      this.microBatchSize = atLeast("micro-batch size", 1, microBatchSize);
      return this;
    }

    /** Passes over the data; by default 30. */
    public Builder optEpochs(int epochs) {
      this.epochs = atLeast("epochs", 1, epochs);
      return this;
    }

    /** Steps in all, in place of {@link #optEpochs}. */
    public Builder optSteps(long steps) {
      this.steps = atLeast("steps", 1, steps);
      return this;
    }

    /** The highest learning rate; by default 5e-4. */
    public Builder optLearningRate(double learningRate) {
      this.learningRate = notNegative("learning rate", learningRate);
      return this;
    }

    /** Weight decay of AdamW; by default 0.2. */
    public Builder optWeightDecay(double weightDecay) {
      this.weightDecay = notNegative("weight decay", weightDecay);
      return this;
    }

    /** The global L2 norm that gradients are scaled down to; by default 0, no limit. */
    public Builder optMaxGradientNorm(double maxGradientNorm) {
      this.maxGradientNorm = notNegative("maximum gradient norm", maxGradientNorm);
      return this;
    }

    /** Steps over which the learning rate rises; by default a twentieth of all. */
    public Builder optWarmupSteps(long warmupSteps) {
      this.warmupSteps = atLeast("warm-up steps", 0, warmupSteps);
      return this;
    }

    /** Seed of the order of pairs and of the choice among captions; by default 0. */
    public Builder optSeed(long seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Whether pairs with equal captions are no negatives of each other; by default false, as in the
     * paper. For data in which one caption fits many images.
     */
    public Builder optMaskDuplicateCaptions(boolean mask) {
      maskDuplicateCaptions = mask;
      return this;
    }

    /** Threads that decode images; by default one less than there are cores, at least one. */
    public Builder optDecodeThreads(int threads) {
      decodeThreads = atLeast("decode threads", 1, threads);
      return this;
    }

    /**
     * Java memory in which transformed images are kept from epoch to epoch; by default a quarter of
     * the heap.
     */
    public Builder optImageCacheBytes(long bytes) {
      imageCacheBytes = atLeast("image cache bytes", 0, bytes);
      return this;
    }

    /** Adds a listener. */
    public Builder optListener(TrainingListener listener) {
      listeners.add(listener);
      return this;
    }

    /** Checks that nothing is missing. */
    public ClipTrainer build() {
      if (model == null) {
        throw new IllegalArgumentException(
            "a training needs a model: setModel(ClipModel.create(config, seed)), or one loaded");
      }
      if (pairs == null || pairs.size() == 0) {
        throw new IllegalArgumentException(
            "a training needs pairs: setPairs(Pairs.table(file).columns(image, caption).build())");
      }
      int vocabSize = model.config().text().vocabSize();
      if (!ClipTokenizer.fits(vocabSize)) {
        throw new IllegalArgumentException(ClipTokenizer.misfit(vocabSize));
      }
      return new ClipTrainer(copy());
    }

    private Builder copy() {
      try {
        Builder copy = (Builder) super.clone();
        copy.listeners = List.copyOf(listeners);
        return copy;
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }

    private int microBatchSize() {
      return microBatchSize > 0 ? microBatchSize : batchSize;
    }

    private long totalSteps() {
      return steps > 0 ? steps : (long) epochs * Math.max(1, pairs.size() / batchSize);
    }

    private long warmupSteps(long totalSteps) {
      return warmupSteps >= 0 ? Math.min(warmupSteps, totalSteps - 1) : totalSteps / 20;
    }

    private AdamW.Hyperparameters hyperparameters() {
      return new AdamW.Hyperparameters(0.9, 0.98, 1e-6, weightDecay, maxGradientNorm);
    }

    private PairLoader loader(ImageTransform transform, Tokenizer tokenizer) {
      PairLoader.Builder loader =
          PairLoader.builder()
              .setPairs(pairs)
              .setTransform(transform)
              .setTokenizer(tokenizer)
              .setBatchSize(batchSize)
              .optSeed(seed)
              .optCacheBytes(imageCacheBytes)
              .optMaxSkippedShare(maxSkippedShare);
      if (augmentation != null) {
        loader.optAugmentation(augmentation);
      }
      if (output != null) {
        loader.optLedger(output.resolve("skipped.jsonl"));
      }
      if (decodeThreads > 0) {
        loader.optThreads(decodeThreads);
      }
      return loader.build();
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
