package org.clip4j.examples;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.data.ClassFolders;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.data.Split;
import org.clip4j.examples.app.train.TrainingRun;
import org.clip4j.examples.options.DeviceOption;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.PairOptions;
import org.clip4j.examples.options.Range;
import org.clip4j.examples.options.StepOptions;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.TrainingResult;
import org.clip4j.train.monitor.RunSummary.Evaluated;
import org.clip4j.train.options.CheckpointOptions;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.EvaluationOptions;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains or fine-tunes a model on your own pairs of images and texts. */
@Command(
    name = "Train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = "Trains or fine-tunes a CLIP model on images and captions.")
final class Train implements Callable<Integer> {
  @Mixin private PairOptions data;

  @Option(
      names = "--held-out",
      defaultValue = "0",
      paramLabel = "SHARE",
      description = "Share of the pairs to keep back, on which retrieval is measured as it trains.")
  @Range(min = 0, below = 1)
  private double heldOut;

  @Option(
      names = "--model",
      defaultValue = "ViT-Ti-8-64",
      paramLabel = "MODEL",
      description =
          "An architecture's name, a JSON file with OpenCLIP's model_cfg, or a model to fine-tune:"
              + " a name on the hub, a folder or a weights file.")
  private String model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where the model goes.")
  private Path out;

  @Mixin private StepOptions step;

  @Mixin private DeviceOption device;

  @Option(names = "--layout", defaultValue = "OPENCLIP", description = "${COMPLETION-CANDIDATES}.")
  private Layout layout;

  @Option(names = "--batch-size", defaultValue = "128")
  @Range(min = 2)
  private int batchSize;

  @Option(
      names = "--micro-batch-size",
      defaultValue = "0",
      description = "Pairs encoded at once, to bound memory (0: the batch size).")
  @Range(min = 0)
  private int microBatchSize;

  @Option(names = "--epochs", defaultValue = "30")
  @Range(min = 1)
  private int epochs;

  @Option(
      names = "--steps",
      defaultValue = "0",
      description = "Steps in all, in place of epochs (0: by epochs).")
  @Range(min = 0)
  private long steps;

  @Option(names = "--lr", defaultValue = "5e-4", description = "The highest learning rate.")
  @Range(min = 0)
  private double learningRate;

  @Option(
      names = "--warmup",
      defaultValue = "-1",
      description = "Steps of linear warm-up (-1: a twentieth of all).")
  @Range(min = -1)
  private long warmup;

  @Option(
      names = "--max-grad-norm",
      defaultValue = "0",
      description = "The global norm that gradients are scaled down to (0: no limit).")
  @Range(min = 0)
  private double maxGradientNorm;

  @Option(
      names = "--decode-threads",
      defaultValue = "0",
      description = "Threads that decode images (0: one less than there are cores).")
  @Range(min = 0)
  private int decodeThreads;

  @Option(
      names = "--image-cache-mb",
      paramLabel = "MB",
      description = "Memory in which transformed images are kept (a quarter of the heap).")
  @Range(min = 0)
  private Long imageCacheMegabytes;

  @Option(
      names = "--max-skipped-share",
      defaultValue = "0.01",
      paramLabel = "SHARE",
      description = "Share of damaged pairs beyond which the training ends.")
  @Range(min = 0, max = 1)
  private double maxSkippedShare;

  @Option(names = "--wd", defaultValue = "0.2", description = "Weight decay.")
  @Range(min = 0)
  private double weightDecay;

  @Option(
      names = "--seed",
      defaultValue = "0",
      description = "Of the weights, the order and the split.")
  private long seed;

  @Option(names = "--split-seed", description = "Of the split alone (the seed).")
  private Long splitSeed;

  @Option(
      names = "--checkpoint-steps",
      defaultValue = "0",
      description = "Saves a checkpoint after every so many steps (0: by the clock alone).")
  @Range(min = 0)
  private long checkpointSteps;

  @Option(
      names = "--checkpoint-minutes",
      defaultValue = "15",
      description =
          "Saves a checkpoint so many minutes after the last, when the training ends, and when"
              + " Ctrl-C ends it (0: not by the clock).")
  @Range(min = 0, below = 1e9)
  private double checkpointMinutes;

  @Option(names = "--keep", defaultValue = "3", description = "Checkpoints to keep, the last ones.")
  @Range(min = 1)
  private int keep;

  @Option(
      names = "--resume",
      description =
          "Goes on from the last checkpoint in the output folder, with the options as they were.")
  private boolean resume;

  @Option(
      names = "--allow-changes",
      paramLabel = "NAMES",
      split = ",",
      description =
          "Settings that may differ when resuming, for example totalSteps,schedule.warmupSteps.")
  private String[] allowedChanges = {};

  @Option(
      names = "--classes",
      paramLabel = "DIR",
      description =
          "Class folders with images that are not trained on, on which zero-shot accuracy is measured as it trains.")
  private Path classes;

  @Option(
      names = "--template",
      defaultValue = "a photo of a {}.",
      description = "What the classes' names are put into; may be given several times.")
  private List<String> templates;

  @Option(
      names = "--evaluate-every",
      defaultValue = "0",
      paramLabel = "STEPS",
      description = "Steps between evaluations (0: once an epoch).")
  @Range(min = 0)
  private long evaluateEvery;

  @Option(
      names = "--best-by",
      paramLabel = "METRIC",
      description =
          "Keeps the model that is best by it in DIR/best, for example retrieval.text_to_image.r1.")
  private String bestBy;

  @Option(
      names = "--patience",
      defaultValue = "0",
      description = "Ends after so many evaluations without a better model (0: never).")
  @Range(min = 0)
  private int patience;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Writes losses, speed and evaluations there.")
  private Path json;

  public static void main(String... args) {
    System.exit(Examples.run(new Train(), args));
  }

  @Override
  public Integer call() throws IOException {
    PairFeed train = data.open();
    Split split = null;
    if (heldOut > 0) {
      if (!(train instanceof PairSource source)) {
        throw new IllegalArgumentException(
            "--held-out needs pairs with an order of their own; keep some shards back instead");
      }
      split = source.split(heldOut, splitSeed != null ? splitSeed : seed);
      train = split.train();
    }
    Files.createDirectories(out);
    if (split != null) {
      Files.writeString(
          out.resolve("held-out-indices.txt"),
          split.heldOutIndices().stream().map(i -> i + "\n").collect(Collectors.joining()));
    }
    try (Start start = start()) {
      System.out.printf(
          Locale.ROOT,
          "%,d pairs to train on, %,d held out; %,d parameters%n",
          train.pairsPerEpoch(),
          split == null ? 0 : split.heldOut().size(),
          start.model.parameterCount());
      TrainingResult result = train(start, train, split);
      System.out.println(result);
      JsonObject report = TrainingRun.toJson(result);
      List<Evaluated> evaluations = result.summary().evaluations();
      if (!evaluations.isEmpty()) {
        Evaluated last = evaluations.get(evaluations.size() - 1);
        last.values()
            .forEach(
                (name, value) -> System.out.printf(Locale.ROOT, "  %-32s %.4f%n", name, value));
        report.add("evaluation", new Gson().toJsonTree(last.values()));
      }
      Evaluated best = result.summary().best();
      if (best != null) {
        System.out.println(
            "The best model, of step " + best.step() + ", is in " + out.resolve("best"));
      }
      System.out.println("The model is in " + out + "; open report.html there in a browser");
      if (result.cancelled()) {
        System.out.println(goOn(result));
      }
      if (json != null) {
        Files.writeString(json, report.toString());
      }
    }
    return 0;
  }

  private String goOn(TrainingResult result) {
    return checkpointSteps > 0 || checkpointMinutes > 0 || resume
        ? "Stopped after step "
            + result.steps()
            + ", of which a checkpoint is in "
            + out.resolve("checkpoints")
            + "; the same command with --resume goes on from there"
        : "Stopped after step "
            + result.steps()
            + " without a checkpoint, as asked; --model "
            + out
            + " trains on from this model";
  }

  private TrainingResult train(Start start, PairFeed pairs, Split split) throws IOException {
    ClipTrainer.Builder builder =
        ClipTrainer.builder()
            .setModel(start.model)
            .setPairs(pairs)
            .optLayout(layout)
            .optBatchSize(batchSize)
            .optEpochs(epochs)
            .optSeed(seed)
            .optData(this::data)
            .optData(options -> options.optTransform(start.transform).optTokenizer(start.tokenizer))
            .optOptimizer(
                options -> options.optWeightDecay(weightDecay).optMaxGradientNorm(maxGradientNorm))
            .optSchedule(options -> options.optLearningRate(learningRate))
            .optCheckpoints(this::checkpoints)
            .optEvaluation(evaluation(split));
    if (microBatchSize > 0) {
      builder.optMicroBatchSize(microBatchSize);
    }
    if (steps > 0) {
      builder.optSteps(steps);
    }
    if (warmup >= 0) {
      builder.optSchedule(options -> options.optWarmupSteps(warmup));
    }
    step.apply(builder);
    return TrainingRun.train(builder, batchSize, out);
  }

  private void data(DataOptions.Builder options) {
    options.optMaxSkippedShare(maxSkippedShare);
    if (decodeThreads > 0) {
      options.optDecodeThreads(decodeThreads);
    }
    if (imageCacheMegabytes != null) {
      options.optImageCacheBytes(imageCacheMegabytes << 20);
    }
  }

  private void checkpoints(CheckpointOptions.Builder options) {
    options.optKeepLast(keep).optResume(resume).optAllowedChanges(allowedChanges);
    if (checkpointSteps > 0) {
      options.optEverySteps(checkpointSteps);
    }
    if (checkpointMinutes > 0) {
      options.optEveryMinutes(checkpointMinutes);
    }
  }

  private EvaluationOptions evaluation(Split split) throws IOException {
    EvaluationOptions.Builder options = EvaluationOptions.builder().optBestBy(bestBy);
    if (split != null) {
      options.optHeldOut(split.heldOut());
    }
    if (classes != null) {
      ClassFolders folders = Pairs.classFolders(classes).optDecoder(data.decoder()).build();
      List<LabelledImage> images =
          IntStream.range(0, folders.size()).mapToObj(folders::labelled).toList();
      options.optZeroShot("classes", folders.classNames(), templates, images);
    }
    if (evaluateEvery > 0) {
      options.optEverySteps(evaluateEvery);
    }
    if (patience > 0) {
      options.optEarlyStopping(patience);
    }
    return options.build();
  }

  /**
   * What is trained.
   *
   * @param model new, or loaded
   * @param transform the model's own
   * @param tokenizer the model's own; null for OpenAI's
   */
  private record Start(ClipModel model, ImageTransform transform, Tokenizer tokenizer)
      implements AutoCloseable {
    @Override
    public void close() {
      model.close();
      if (tokenizer != null) {
        tokenizer.close();
      }
    }
  }

  private Start start() throws IOException {
    Path path = Path.of(model);
    boolean isConfig = Files.isRegularFile(path) && model.endsWith(".json");
    if (isConfig || ClipConfig.names().contains(model)) {
      ClipConfig config =
          isConfig
              ? ClipConfigJson.read(
                  JsonParser.parseString(Files.readString(path)).getAsJsonObject())
              : ClipConfig.named(model);
      int height = config.vision().imageHeight();
      int width = config.vision().imageWidth();
      ImageTransform transform = ImageTransform.openai(height, width);
      return new Start(ClipModel.create(config, seed, device.device()), transform, null);
    }
    try (Checkpoint checkpoint = Models.loader(model).openCheckpoint()) {
      return new Start(
          ClipModel.load(checkpoint.config(), checkpoint.parameters(), device.device()),
          checkpoint.transform(),
          checkpoint.tokenizer().orElse(null));
    }
  }
}
