package org.clip4j.examples.app.evaluate;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImages;
import org.clip4j.examples.options.DeviceOptions;
import org.clip4j.examples.options.LabelledFormat;
import org.clip4j.examples.options.Models;
import org.clip4j.examples.options.Range;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that say what is probed and how, and where the results go. */
public final class ProbeOptions {
  /** Names of folders that say nothing of the data set in them. */
  private static final Set<String> PARTS = Set.of("train", "training");

  @Mixin private DeviceOptions device;

  @Option(names = "--model", paramLabel = "MODEL", description = Models.NAME)
  private String model;

  @Option(
      names = "--train",
      paramLabel = "DIR",
      description =
          "A folder for each class with its training images; with --test, may be given several times, once for each data set.")
  private List<Path> train = List.of();

  @Option(names = "--test", paramLabel = "DIR", description = "The same with test images.")
  private List<Path> test = List.of();

  @Option(
      names = "--validation",
      paramLabel = "DIR",
      description =
          "The same with images to choose the L2 strength by; without it, a share of the training images serves.")
  private List<Path> validation = List.of();

  @Option(
      names = "--features",
      paramLabel = "NPY",
      description = "Instead of a model and images: embeddings of training images, N x D, float32.")
  private Path features;

  @Option(names = "--labels", paramLabel = "NPY", description = "Their classes, from 0 on.")
  private Path labels;

  @Option(names = "--test-features", paramLabel = "NPY", description = "Of test images.")
  private Path testFeatures;

  @Option(names = "--test-labels", paramLabel = "NPY", description = "Their classes.")
  private Path testLabels;

  @Option(names = "--class-names", paramLabel = "FILE", description = "Names, one a line.")
  private Path classNames;

  @Option(
      names = "--class-embeddings",
      paramLabel = "NPY",
      description = "Of the classes' prompts, K x D, unit length; for zero-shot with --features.")
  private Path classEmbeddings;

  @Option(
      names = "--template",
      paramLabel = "TEXT",
      description =
          "A prompt of zero-shot with {} where the class name goes; may be given several times.")
  private List<String> template = List.of();

  @Option(
      names = "--templates",
      paramLabel = "FILE|SET",
      description =
          "Prompts of zero-shot instead: a file (one a line), imagenet7 (the default, as of Evaluate), imagenet80, or a data set with"
              + " published prompts.")
  private String templates;

  @Option(
      names = "--shots",
      split = ",",
      defaultValue = "1,2,4,8,16",
      description = "Labelled images of each class.")
  @Range(min = 1)
  private int[] shots;

  @Option(names = "--seeds", defaultValue = "3", description = "Draws of each number of shots.")
  @Range(min = 1)
  private int seeds;

  @Option(
      names = "--fewer",
      description = "Take all images of a class that has fewer than the shots.")
  private boolean fewer;

  @Option(
      names = "--c",
      paramLabel = "C",
      description =
          "The inverse of the L2 strength, as in scikit-learn; by default it is chosen from 1e-6 to 1e6 on validation images, as"
              + " in the paper.")
  @Range(above = 0)
  private Double c;

  @Option(
      names = "--validation-fraction",
      defaultValue = "0.2",
      description = "Share of each class's training images that chooses the L2 strength.")
  @Range(above = 0, below = 1)
  private double validationFraction;

  @Option(names = "--max-iterations", defaultValue = "1000", description = "Of L-BFGS.")
  @Range(min = 1)
  private int maxIterations;

  @Option(names = "--seed", defaultValue = "0", description = "Of the validation images.")
  private long seed;

  @Option(
      names = "--out",
      defaultValue = "linear-probe",
      paramLabel = "DIR",
      description = "Output.")
  private Path out;

  /** How to fit. */
  public ProbeStudy.Settings settings() {
    return new ProbeStudy.Settings(shots, seeds, fewer, c, validationFraction, maxIterations, seed);
  }

  /** The prompts of zero-shot; none where class embeddings stand for them. */
  private List<String> prompts() throws IOException {
    if (templates != null) {
      return LabelledFormat.templates(templates);
    }
    return model == null ? List.of() : template.isEmpty() ? LabelledFormat.PROMPTS : template;
  }

  /** Encodes or reads the data sets. */
  public List<ProbeData> data() throws IOException {
    prompts(); // may be misspelt, and encoding takes long
    return model != null ? encode() : read();
  }

  private List<ProbeData> encode() throws IOException {
    if (train.isEmpty()
        || test.size() != train.size()
        || !validation.isEmpty() && validation.size() != train.size()) {
      throw new IllegalArgumentException(
          "--model needs --train and --test for each data set, and --validation for each or none; found "
              + train.size()
              + ", "
              + test.size()
              + " and "
              + validation.size());
    }
    for (Path each : train) {
      LabelledImages images = LabelledImages.classFolders(each, ImageDecoder.defaults());
      int[] classes = IntStream.range(0, images.size()).map(i -> images.get(i).label()).toArray();
      ProbeStudy.check(images.labels(), classes, !validation.isEmpty(), settings());
    }
    List<ProbeData> sets = new ArrayList<>();
    try (OpenModel opened = OpenModel.load(model, device)) {
      for (int i = 0; i < train.size(); i++) {
        Path held = validation.isEmpty() ? null : validation.get(i);
        sets.add(
            ProbeData.encode(
                opened, name(train.get(i)), train.get(i), held, test.get(i), prompts()));
      }
    }
    return sets;
  }

  private static String name(Path train) {
    Path folder = train.toAbsolutePath().normalize();
    String last = folder.getFileName().toString();
    return PARTS.contains(last) && folder.getParent().getFileName() != null
        ? folder.getParent().getFileName().toString()
        : last;
  }

  private List<ProbeData> read() throws IOException {
    if (features == null || labels == null || testFeatures == null || testLabels == null) {
      throw new IllegalArgumentException(
          "name a --model with --train and --test, or embeddings by --features, --labels, --test-features and --test-labels");
    }
    return List.of(
        ProbeData.read(
            features.getFileName().toString().replaceAll("\\.npy$", ""),
            new Path[] {features, labels},
            new Path[] {testFeatures, testLabels},
            classNames,
            classEmbeddings));
  }

  /** Writes the report, every number and the probes, and says where. */
  public void write(List<ProbeStudy> studies) throws IOException {
    Files.createDirectories(out);
    JsonObject json = new JsonObject();
    json.addProperty("model", model);
    json.add("templates", new GsonBuilder().create().toJsonTree(prompts()));
    json.addProperty("seeds", seeds);
    json.addProperty("strength", c != null ? "given" : "chosen on validation images");
    JsonArray sets = new JsonArray();
    for (ProbeStudy study : studies) {
      sets.add(study.json());
      String suffix = studies.size() == 1 ? "" : "-" + study.data().name();
      study.probe().save(out.resolve("probe" + suffix + ".safetensors"));
      System.out.println(study.summary());
    }
    json.add("data_sets", sets);
    Files.writeString(
        out.resolve("linear-probe.json"),
        new GsonBuilder().setPrettyPrinting().serializeNulls().create().toJson(json) + "\n");
    Path report = out.resolve("report.html");
    new ProbeReport(model != null ? model : features.toString(), prompts(), studies).write(report);
    System.out.println("Open " + report + " in a browser; every number is in linear-probe.json.");
  }
}
