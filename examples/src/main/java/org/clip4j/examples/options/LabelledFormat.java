package org.clip4j.examples.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.PairSource;
import org.clip4j.data.Pairs;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ImageSource;
import org.clip4j.encode.PromptFiles;
import org.clip4j.encode.PromptSet;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that say how labelled images are read, and by which words they are classified. */
public final class LabelledFormat {
  @Option(
      names = "--image-column",
      defaultValue = "file",
      description = "A table's column of image files.")
  private String imageColumn;

  @Option(
      names = "--label-column",
      defaultValue = "label",
      description = "A table's column of labels.")
  private String labelColumn;

  @Option(
      names = "--image-root",
      paramLabel = "DIR",
      description = "The folder that a table's image files start from (the table's own).")
  private Path imageRoot;

  @Option(
      names = "--no-quotes",
      description = "Quotes in a table are part of its text; they enclose no fields.")
  private boolean noQuotes;

  @Mixin private BackgroundOption background;

  @Option(
      names = "--classes",
      paramLabel = "FILE|SET",
      description =
          "Class names: a file (a name a line in the order of the classes; or label, tab, name; or JSON), or a data set whose names"
              + " OpenAI published, for example CIFAR10. Without it, labels are names, with spaces for underscores.")
  private String classes;

  @Option(
      names = "--templates",
      paramLabel = "FILE|SET",
      description =
          "Prompts: a file (one a line, {} where the name goes), imagenet7, imagenet80, or a data set with published prompts."
              + " Without it, those of --classes if that is a data set, else imagenet7.")
  private String templates;

  /** What both Evaluate and LinearProbe take where nothing else is said. */
  public static final List<String> PROMPTS = PromptSet.imageNet7();

  /** The images of a folder of class folders, or of a table. */
  public LabelledImages images(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      return LabelledImages.classFolders(path, background.decoder());
    }
    return LabelledImages.byCaption(pairs(path, labelColumn));
  }

  /** The pairs of a table, a .jsonl file, or a folder of images with texts beside them. */
  public PairSource pairs(Path path, String... captionColumns) throws IOException {
    if (PairOptions.isTar(path.toString())) {
      throw new IllegalArgumentException(
          path + " is a shard, whose pairs have no order of their own; name a table or a folder");
    }
    return PairOptions.open(
        path,
        imageColumn,
        captionColumns,
        imageRoot,
        background.decoder(),
        table -> table.optQuotes(!noQuotes));
  }

  /** All images of a folder and below it, or of a table. */
  public List<ImageSource> sources(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      return Pairs.folder(path).optDecoder(background.decoder()).images();
    }
    PairSource pairs = pairs(path, imageColumn);
    return IntStream.range(0, pairs.size()).mapToObj(i -> pairs.get(i).image()).toList();
  }

  /** What the classes are called. */
  public ClassNames classes(LabelledImages images) throws IOException {
    if (classes == null) {
      return ClassNames.fromLabels(images.labels());
    }
    return Files.exists(Path.of(classes))
        ? PromptFiles.classNames(Path.of(classes))
        : ClassNames.of(published(classes));
  }

  /** The prompts that are averaged. */
  public List<String> templates() throws IOException {
    if (templates == null) {
      return classes == null || Files.exists(Path.of(classes))
          ? PROMPTS
          : published(classes).templates();
    }
    return templates(templates);
  }

  /** The prompts of a file, or of a published set. */
  public static List<String> templates(String name) throws IOException {
    if (Files.exists(Path.of(name))) {
      return PromptFiles.templates(Path.of(name));
    }
    return switch (name) {
      case "imagenet7" -> PromptSet.imageNet7();
      case "imagenet80" -> PromptSet.imageNet80();
      default -> published(name).templates();
    };
  }

  private static PromptSet published(String name) {
    if (name.matches(".*[./\\\\].*")) {
      throw new IllegalArgumentException(name + " does not exist");
    }
    return PromptSet.published(name);
  }
}
