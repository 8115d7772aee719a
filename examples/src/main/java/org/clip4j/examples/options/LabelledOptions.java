package org.clip4j.examples.options;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.clip4j.data.LabelledImages;
import org.clip4j.data.PairSource;
import org.clip4j.encode.ClassNames;
import org.clip4j.encode.ImageSource;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options that say which labelled images are classified, and by which words. */
public final class LabelledOptions {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description =
          "A folder with a folder of images for each class, or a CSV or TSV file with a header line, or a .jsonl file of objects.")
  private Path data;

  @Mixin private LabelledFormat format;

  /** The images. */
  public LabelledImages images() throws IOException {
    return images(data);
  }

  /** Another set, read in the same way. */
  public LabelledImages images(Path path) throws IOException {
    return format.images(path);
  }

  /** The data as pairs of images and captions. */
  public PairSource pairs(String... captionColumns) throws IOException {
    return pairs(data, captionColumns);
  }

  /** Other pairs, read in the same way. */
  public PairSource pairs(Path path, String... captionColumns) throws IOException {
    return format.pairs(path, captionColumns);
  }

  /** All images of the data, whatever their labels. */
  public List<ImageSource> sources() throws IOException {
    return sources(data);
  }

  /** All images of a folder and below it, or of a table. */
  public List<ImageSource> sources(Path path) throws IOException {
    return format.sources(path);
  }

  /** The data as given. */
  public Path path() {
    return data;
  }

  /** What the classes are called. */
  public ClassNames classes(LabelledImages images) throws IOException {
    return format.classes(images);
  }

  /** The prompts that are averaged. */
  public List<String> templates() throws IOException {
    return format.templates();
  }
}
