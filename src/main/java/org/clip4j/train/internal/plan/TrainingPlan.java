package org.clip4j.train.internal.plan;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.internal.loader.PairLoader;
import org.clip4j.engine.Precision;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipModel;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.LoraOptions;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.TextConfig;
import org.clip4j.model.VisionConfig;
import org.clip4j.model.VisionTransformerConfig;
import org.clip4j.text.ClipTokenizer;
import org.clip4j.text.internal.BytePairs;
import org.clip4j.train.monitor.TrainingListener;
import org.clip4j.train.options.CheckpointOptions;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.EvaluationOptions;
import org.clip4j.train.options.Freezing;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.train.options.ScheduleOptions;
import org.clip4j.train.options.Teacher;
import org.clip4j.train.workers.BatchWorkers;
import org.clip4j.weights.Layout;
import org.clip4j.weights.ModelOrigin;

/**
 * Holds all that a training was asked for; {@link org.clip4j.train.ClipTrainer.Builder} explains
 * each. The training works with a {@linkplain #resolved copy} in which every default is a value.
 */
public final class TrainingPlan implements Cloneable {
  /** Products of fewer pairs are slow. */
  private static final int LEAST_MICRO_BATCH = 8;

  public ClipModel model;
  public PairFeed pairs;
  public Path output;
  public Layout layout = Layout.OPENCLIP;
  public List<ModelOrigin> madeFrom = List.of();
  public int batchSize = 128;
  public int microBatchSize; // 0: see defaultMicroBatchSize
  public int epochs = 30;
  public long steps; // 0: by epochs
  public long seed;
  public Precision precision = Precision.FP32;
  public List<Device> devices = List.of();
  public BatchWorkers workers; // null: the devices here
  public DataOptions data = DataOptions.DEFAULT;
  public LoraOptions lora; // null: the weights themselves are trained
  public LoraAdapter adapter; // null: a new one
  public Teacher teacher; // null: the pairs alone are learned from
  public OptimizerOptions optimizer = OptimizerOptions.DEFAULT;
  public ScheduleOptions schedule = ScheduleOptions.DEFAULT;
  public CheckpointOptions checkpoints = CheckpointOptions.DEFAULT;
  public EvaluationOptions evaluation = EvaluationOptions.DEFAULT;
  public int metricsEverySteps = 1;
  public List<TrainingListener> listeners = new ArrayList<>();

  /** Returns a copy that later changes of this one do not reach. */
  public TrainingPlan copy() {
    try {
      TrainingPlan copy = (TrainingPlan) super.clone();
      copy.listeners = List.copyOf(listeners);
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
  public void check() {
    if (model == null) {
      throw new IllegalArgumentException(
          "a training needs a model: setModel(ClipModel.create(config, seed)), or one loaded");
    }
    if (pairs == null) {
      throw new IllegalArgumentException(
          "a training needs pairs: setPairs(Pairs.table(file).setColumns(image, caption).build())");
    }
    if (pairs instanceof PairSource source && source.size() == 0) {
      throw new IllegalArgumentException("there are no pairs to train on in " + pairs.name());
    }
    TextConfig text = model.config().text();
    if (data.tokenizer() == null && !BytePairs.fits(text.vocabSize())) {
      throw new IllegalArgumentException(BytePairs.misfit(text.vocabSize()));
    }
    if (data.tokenizer() != null) {
      text.requirePadding(data.tokenizer().padId());
    }
    if (data.tokenizer() == null && !text.takesOpenAiTokens()) {
      throw new IllegalArgumentException(
          "the model's text tower, a "
              + text.family()
              + (text.tokenizer().hfName() == null ? "" : " of " + text.tokenizer().hfName())
              + ", does not take the tokens of CLIP's tokenizer; give the trainer the model's own");
    }
    if (lora == null && model.adapters().isAttached()) {
      throw new IllegalArgumentException(
          "an adapter is attached to the model: detach it and train it on, or merge it first with"
              + " model.adapters().merge(model.adapters().detach().get())");
    }
    if (output == null && checkpoints.isOn()) {
      throw new IllegalArgumentException("checkpoints need a folder: setOutput(folder)");
    }
    if (evaluation.bestBy() != null && evaluation.evaluations().isEmpty()) {
      throw new IllegalArgumentException(
          "to choose the best model by "
              + evaluation.bestBy()
              + " it must be evaluated: by held-out pairs, zero-shot classes or an evaluation of"
              + " one's own");
    }
    if (evaluation.patience() > 0 && evaluation.bestBy() == null) {
      throw new IllegalArgumentException(
          "early stopping needs the metric that is to improve, for example"
              + " retrieval.text_to_image.r1");
    }
    checkStep();
  }

  private void checkStep() {
    Device own = model.manager().getDevice();
    if (!devices.isEmpty() && !devices.get(0).equals(own)) {
      throw new IllegalArgumentException(
          "the first of the devices must be the model's, " + own + ", found " + devices);
    }
    if (workers != null && devices.size() > 1) {
      throw new IllegalArgumentException(
          "a batch is shared out among workers or among devices, not both; found devices "
              + devices);
    }
    precision.requireOn(own);
    VisionConfig vision = model.config().vision();
    if (data.patchDropout() > 0
        && !(vision instanceof VisionTransformerConfig tower && tower.choosesPatches())) {
      throw new IllegalArgumentException(
          "patch dropout is "
              + data.patchDropout()
              + ", but the model is a "
              + vision.family()
              + ", none of whose patches can be left out");
    }
    if (teacher != null) {
      if (model.config().isSigmoid()) {
        throw new IllegalArgumentException(
            "a teacher needs a student of the contrastive loss: a sigmoid loss has no distribution"
                + " over the batch that could be the teacher's");
      }
      teacher.requireFits(transform());
    }
    for (Freezing freezing : optimizer.freezings()) {
      model.specs().forEach(spec -> freezing.freezes(model.config(), spec.name()));
    }
  }

  /** Returns the same with a value for every default; for shards, this counts their pairs. */
  public TrainingPlan resolved() throws IOException {
    TrainingPlan plan = copy();
    VisionConfig vision = model.config().vision();
    plan.microBatchSize = microBatchSize > 0 ? microBatchSize : defaultMicroBatchSize();
    long epoch = Math.max(1, pairs.pairsPerEpoch() / batchSize);
    plan.steps = steps > 0 ? steps : epochs * epoch;
    plan.schedule = schedule.resolved(plan.steps);
    plan.evaluation =
        evaluation.everySteps() > 0
            ? evaluation
            : evaluation.toBuilder().optEverySteps(epoch).build();
    plan.data =
        data.toBuilder()
            .optTransform(transform())
            .optTokenizer(
                data.tokenizer() != null
                    ? data.tokenizer()
                    : ClipTokenizer.create(model.config().text().contextLength()))
            .optPatchDropout(patchDropout(vision))
            .build();
    return plan;
  }

  /**
   * Beside frozen weights, activations are most of the memory, and there is time for a second pass:
   * an adapter's backward pass computes no gradients of weights. Batch norms see one micro-batch at
   * a time, so that theirs decides the result.
   */
  private int defaultMicroBatchSize() {
    return lora == null || model.config().vision().hasBatchNorm()
        ? batchSize
        : Math.min(batchSize, Math.max(LEAST_MICRO_BATCH, (batchSize + 1) / 2));
  }

  private ImageTransform transform() {
    VisionConfig vision = model.config().vision();
    if (data.transform() != null) {
      return data.transform();
    }
    return vision instanceof SigLipConfig tower && tower.naFlex()
        ? ImageTransform.naFlex(tower.patchSize(), tower.patches())
        : ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
  }

  private double patchDropout(VisionConfig vision) {
    return data.patchDropout() >= 0
        ? data.patchDropout()
        : vision instanceof VisionTransformerConfig vit ? vit.patchDropout() : 0;
  }

  /** Returns what a training of the same model and pairs, of as many steps, has by default. */
  public TrainingPlan defaults() throws IOException {
    TrainingPlan defaults = new TrainingPlan();
    defaults.model = model;
    defaults.pairs = pairs;
    defaults.data = DataOptions.builder().optTokenizer(data.tokenizer()).build();
    defaults.steps = steps;
    return defaults.resolved();
  }

  /** Returns the adapter that the training starts with; only where one is trained. */
  public LoraAdapter firstAdapter() {
    LoraAdapter first = adapter != null ? adapter : LoraAdapter.create(model.config(), lora, seed);
    return first.withBase(model.values());
  }

  /** Returns the devices besides the model's own. */
  public List<Device> otherDevices() {
    return devices.isEmpty() ? devices : devices.subList(1, devices.size());
  }

  /** Opens the loader of a resolved plan. */
  public PairLoader loader() {
    PairLoader.Builder loader =
        PairLoader.builder()
            .setPairs(pairs)
            .setTransform(data.transform())
            .setTokenizer(data.tokenizer())
            .setBatchSize(batchSize)
            .optSeed(seed)
            .optCacheBytes(data.imageCacheBytes())
            .optMaxSkippedShare(data.maxSkippedShare());
    if (data.augmentation() != null) {
      loader.optAugmentation(data.augmentation());
    }
    if (output != null) {
      loader.optLedger(output.resolve("skipped.jsonl"));
    }
    if (data.decodeThreads() > 0) {
      loader.optThreads(data.decodeThreads());
    }
    return loader.build();
  }
}
