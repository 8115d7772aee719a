package org.clip4j.train;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.engine.Precision;
import org.clip4j.eval.Evaluation;
import org.clip4j.image.Augmentation;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Layout;

/** What a training was asked for; {@link ClipTrainer.Builder} explains each. */
final class TrainingSettings implements Cloneable {
  ClipModel model;
  PairFeed pairs;
  Path output;
  Layout layout = Layout.OPENCLIP;
  ImageTransform transform;
  Augmentation augmentation;
  double maxSkippedShare = 0.01;
  Tokenizer tokenizer;
  int batchSize = 128;
  int microBatchSize; // 0: the batch size
  int epochs = 30;
  long steps;
  double learningRate = 5e-4;
  double weightDecay = 0.2;
  double maxGradientNorm;
  long warmupSteps = -1;
  long seed;
  boolean spreadDuplicates;
  Precision precision = Precision.FP32;
  List<Device> devices = List.of();
  List<Freezing> freezings = List.of();
  LearningRateDecay learningRateDecay = LearningRateDecay.cosine();
  double layerDecay = 1;
  double patchDropout = -1; // below 0: the configuration's
  Ema.Settings ema;
  int decodeThreads;
  long imageCacheBytes = Runtime.getRuntime().maxMemory() / 4;
  long checkpointSteps; // 0: not by steps
  Duration checkpointInterval; // null: not by time
  int keepLast = 3;
  boolean resume;
  Set<String> allowedChanges = Set.of();
  List<TrainingListener> listeners = new ArrayList<>();
  List<Evaluation> evaluations = new ArrayList<>();
  long evaluateEverySteps; // 0: once an epoch
  String bestBy; // null: none is best
  int patience; // 0: never stops early
  int metricsEverySteps = 1;

  TrainingSettings copy() {
    try {
      TrainingSettings copy = (TrainingSettings) super.clone();
      copy.listeners = List.copyOf(listeners);
      copy.evaluations = List.copyOf(evaluations);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Checks that nothing is missing, and that the settings go together.
   *
   * @throws IllegalArgumentException saying what does not
   */
  void check() {
    if (model == null) {
      throw new IllegalArgumentException(
          "a training needs a model: setModel(ClipModel.create(config, seed)), or one loaded");
    }
    if (pairs == null) {
      throw new IllegalArgumentException(
          "a training needs pairs: setPairs(Pairs.table(file).columns(image, caption).build())");
    }
    if (pairs instanceof PairSource source && source.size() == 0) {
      throw new IllegalArgumentException("there are no pairs to train on in " + pairs.name());
    }
    int vocabSize = model.config().text().vocabSize();
    if (tokenizer == null && !ClipTokenizer.fits(vocabSize)) {
      throw new IllegalArgumentException(ClipTokenizer.misfit(vocabSize));
    }
    if (output == null && (checkpointSteps > 0 || checkpointInterval != null || resume)) {
      throw new IllegalArgumentException("checkpoints need a folder: setOutput(folder)");
    }
    if (bestBy != null && evaluations.isEmpty()) {
      throw new IllegalArgumentException(
          "to choose the best model by "
              + bestBy
              + " it must be evaluated: by held-out pairs, zero-shot classes or an evaluation of one's own");
    }
    if (patience > 0 && bestBy == null) {
      throw new IllegalArgumentException(
          "early stopping needs the metric that is to improve, for example retrieval.text_to_image.r1");
    }
    checkStep();
  }

  private void checkStep() {
    Device own = model.manager().getDevice();
    if (!devices.isEmpty() && !devices.get(0).equals(own)) {
      throw new IllegalArgumentException(
          "the first of the devices must be the model's, " + own + ", found " + devices);
    }
    precision.requireOn(own);
    VisionConfig vision = model.config().vision();
    if (patchDropout > 0 && !(vision instanceof VisionTransformerConfig)) {
      throw new IllegalArgumentException(
          "patch dropout is "
              + patchDropout
              + ", but the model is a "
              + vision.family()
              + ", which has no patches");
    }
    for (Freezing freezing : freezings) {
      model.specs().forEach(spec -> freezing.freezes(model.config(), spec.name()));
    }
  }

  /** What a training of the same model and pairs, of as many steps, has by default. */
  TrainingSettings defaults() throws IOException {
    TrainingSettings defaults = new TrainingSettings();
    defaults.model = model;
    defaults.pairs = pairs;
    defaults.tokenizer = tokenizer;
    defaults.steps = totalSteps();
    return defaults;
  }

  /** Whether there is anything to resume from later. */
  boolean savesCheckpoints() {
    return output != null && (checkpointSteps > 0 || checkpointInterval != null || resume);
  }

  /** What images become the model's input by. */
  ImageTransform transform() {
    VisionConfig vision = model.config().vision();
    return transform != null
        ? transform
        : ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
  }

  Tokenizer tokenizer() {
    return tokenizer != null
        ? tokenizer
        : ClipTokenizer.create(model.config().text().contextLength());
  }

  int microBatchSize() {
    return microBatchSize > 0 ? microBatchSize : batchSize;
  }

  /** Steps in all; for shards whose pairs have to be counted, this counts them. */
  long totalSteps() throws IOException {
    return steps > 0 ? steps : epochs * stepsPerEpoch();
  }

  private long stepsPerEpoch() throws IOException {
    return Math.max(1, pairs.pairsPerEpoch() / batchSize);
  }

  long evaluateEverySteps() throws IOException {
    return evaluateEverySteps > 0 ? evaluateEverySteps : stepsPerEpoch();
  }

  long warmupSteps(long totalSteps) {
    return warmupSteps >= 0 ? Math.min(warmupSteps, totalSteps - 1) : totalSteps / 20;
  }

  AdamW.Hyperparameters hyperparameters() {
    return new AdamW.Hyperparameters(0.9, 0.98, 1e-6, weightDecay, maxGradientNorm, layerDecay);
  }

  LearningRateSchedule schedule() throws IOException {
    long total = totalSteps();
    return new LearningRateSchedule(learningRate, warmupSteps(total), total, learningRateDecay);
  }

  /** Null for none. */
  PatchDropout patchDropout() {
    if (!(model.config().vision() instanceof VisionTransformerConfig vision)) {
      return null;
    }
    double share = patchDropout < 0 ? vision.patchDropout() : patchDropout;
    return share == 0 ? null : new PatchDropout(share, vision.patches(), seed);
  }

  /** The devices besides the model's own. */
  List<Device> otherDevices() {
    return devices.isEmpty() ? devices : devices.subList(1, devices.size());
  }

  PairLoader loader() {
    PairLoader.Builder loader =
        PairLoader.builder()
            .setPairs(pairs)
            .setTransform(transform())
            .setTokenizer(tokenizer())
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
}
