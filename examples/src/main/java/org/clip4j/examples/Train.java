package org.clip4j.examples;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.data.ClassFolders;
import org.clip4j.data.LabelledImage;
import org.clip4j.data.PairSource;
import org.clip4j.data.PairTable;
import org.clip4j.data.Pairs;
import org.clip4j.data.Split;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.RunSummary.Evaluated;
import org.clip4j.train.TrainingResult;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.Layout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Trains or fine-tunes a model on your own pairs: a folder of pictures and a table of captions. */
@Command(
    name = "Train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = "Trains a CLIP model on a table of images and captions.")
final class Train implements Callable<Integer> {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "TABLE",
      description = "A CSV or TSV file with a header line.")
  private Path data;

  @Option(
      names = "--image-column",
      defaultValue = "file",
      description = "The column of image files.")
  private String imageColumn;

  @Option(
      names = "--caption-column",
      defaultValue = "caption",
      description =
          "The column of captions; several separated by commas, of which each epoch draws one.",
      split = ",")
  private String[] captionColumns;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "The folder that image files start from (the table's own).")
  private Path imageRoot;

  @Option(
      names = "--background",
      paramLabel = "RRGGBB",
      description = "Colour behind transparent images (transparency is dropped).")
  private String background;

  @Option(
      names = "--exclude",
      paramLabel = "REGEX",
      description = "Leaves out rows in whose image or caption this is found.")
  private Pattern exclude;

  @Option(
      names = "--held-out",
      defaultValue = "0",
      paramLabel = "SHARE",
      description = "Share of the pairs to keep back, on which retrieval is measured as it trains.")
  private double heldOut;

  @Option(
      names = "--model",
      defaultValue = "ViT-Ti-8-64",
      paramLabel = "MODEL",
      description =
          "An architecture's name, a JSON file with OpenCLIP's model_cfg, or a folder with a model to fine-tune.")
  private String model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where the model goes.")
  private Path out;

  @Option(names = "--layout", defaultValue = "OPENCLIP", description = "${COMPLETION-CANDIDATES}.")
  private Layout layout;

  @Option(names = "--batch-size", defaultValue = "128")
  private int batchSize;

  @Option(
      names = "--micro-batch-size",
      defaultValue = "0",
      description = "Pairs encoded at once, to bound memory (0: the batch size).")
  private int microBatchSize;

  @Option(names = "--epochs", defaultValue = "30")
  private int epochs;

  @Option(
      names = "--steps",
      defaultValue = "0",
      description = "Steps in all, in place of epochs (0: by epochs).")
  private long steps;

  @Option(names = "--lr", defaultValue = "5e-4", description = "The highest learning rate.")
  private double learningRate;

  @Option(
      names = "--warmup",
      defaultValue = "-1",
      description = "Steps of linear warm-up (-1: a twentieth of all).")
  private long warmup;

  @Option(names = "--wd", defaultValue = "0.2", description = "Weight decay.")
  private double weightDecay;

  @Option(
      names = "--seed",
      defaultValue = "0",
      description = "Of the weights, the order and the split.")
  private long seed;

  @Option(names = "--split-seed", description = "Of the split alone (the seed).")
  private Long splitSeed;

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
  private int patience;

  @Option(
      names = "--checkpoint-every",
      defaultValue = "0",
      paramLabel = "STEPS",
      description = "Steps between checkpoints to resume from (0: none).")
  private long checkpointEvery;

  @Option(names = "--resume", description = "Continues from the last checkpoint in DIR.")
  private boolean resume;

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
    PairSource train = table();
    Split split = null;
    if (heldOut > 0) {
      split = train.split(heldOut, splitSeed != null ? splitSeed : seed);
      train = split.train();
    }
    Files.createDirectories(out);
    if (split != null) {
      Files.writeString(
          out.resolve("held-out-indices.txt"),
          split.heldOutIndices().stream().map(i -> i + "\n").collect(Collectors.joining()));
    }
    ImageTransform[] transform = new ImageTransform[1];
    try (ClipModel loaded = model(transform)) {
      System.out.printf(
          "%,d pairs to train on, %,d held out; %,d parameters%n",
          train.size(), split == null ? 0 : split.heldOut().size(), loaded.parameterCount());
      TrainingResult result = train(loaded, transform[0], train, split);
      System.out.println(result);
      JsonObject report = Examples.toJson(result);
      List<Evaluated> evaluations = result.summary().evaluations();
      if (!evaluations.isEmpty()) {
        Evaluated last = evaluations.get(evaluations.size() - 1);
        last.values().forEach((name, value) -> System.out.printf("  %-32s %.4f%n", name, value));
        report.add("evaluation", new Gson().toJsonTree(last.values()));
      }
      Evaluated best = result.summary().best();
      if (best != null) {
        System.out.println(
            "The best model, of step " + best.step() + ", is in " + out.resolve("best"));
      }
      System.out.println("The model is in " + out + "; open report.html there in a browser");
      if (json != null) {
        Files.writeString(json, report.toString());
      }
    }
    return 0;
  }

  private TrainingResult train(
      ClipModel loaded, ImageTransform transform, PairSource pairs, Split split)
      throws IOException {
    ClipTrainer.Builder builder =
        ClipTrainer.builder()
            .setModel(loaded)
            .setPairs(pairs)
            .optLayout(layout)
            .optTransform(transform)
            .optBatchSize(batchSize)
            .optEpochs(epochs)
            .optLearningRate(learningRate)
            .optWeightDecay(weightDecay)
            .optSeed(seed);
    if (microBatchSize > 0) {
      builder.optMicroBatchSize(microBatchSize);
    }
    if (steps > 0) {
      builder.optSteps(steps);
    }
    if (warmup >= 0) {
      builder.optWarmupSteps(warmup);
    }
    if (split != null) {
      builder.optHeldOut(split.heldOut());
    }
    if (classes != null) {
      ClassFolders folders =
          Pairs.classFolders(classes).optDecoder(Examples.decoder(background)).build();
      List<LabelledImage> images =
          IntStream.range(0, folders.size()).mapToObj(folders::labelled).toList();
      builder.optZeroShot("classes", folders.classNames(), templates, images);
    }
    if (evaluateEvery > 0) {
      builder.optEvaluateEverySteps(evaluateEvery);
    }
    if (bestBy != null) {
      builder.optBestBy(bestBy);
    }
    if (patience > 0) {
      builder.optEarlyStopping(patience);
    }
    if (checkpointEvery > 0) {
      builder.optCheckpointSteps(checkpointEvery);
    }
    return Examples.train(builder.optResume(resume), batchSize, out);
  }

  private PairTable table() throws IOException {
    PairTable.Builder table =
        Pairs.table(data)
            .columns(imageColumn, captionColumns)
            .optDecoder(Examples.decoder(background));
    if (imageRoot != null) {
      table.optImageRoot(imageRoot);
    }
    if (exclude != null) {
      List<String> columns = new ArrayList<>(List.of(captionColumns));
      columns.add(imageColumn);
      table.optRowFilter(
          row -> columns.stream().noneMatch(column -> exclude.matcher(row.get(column)).find()));
    }
    return table.build();
  }

  /** The model, and through the array its transform. */
  private ClipModel model(ImageTransform[] transform) throws IOException {
    Path path = Path.of(model);
    if (Files.isDirectory(path)) {
      try (Checkpoint checkpoint = Checkpoint.open(path)) {
        transform[0] = checkpoint.transform();
        return ClipModel.load(checkpoint.config(), checkpoint.parameters());
      }
    }
    ClipConfig config =
        Files.isRegularFile(path)
            ? ClipConfigJson.read(JsonParser.parseString(Files.readString(path)).getAsJsonObject())
            : ClipConfig.named(model);
    transform[0] =
        ImageTransform.openai(config.vision().imageHeight(), config.vision().imageWidth());
    return ClipModel.create(config, seed);
  }
}
