package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.data.ImageList;
import org.clip4j.examples.app.search.EmbeddingJob;
import org.clip4j.examples.app.search.ModelFacts;
import org.clip4j.examples.options.BackgroundOption;
import org.clip4j.examples.options.EmbedInput;
import org.clip4j.examples.options.ModelOptions;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Embeds images or texts into .npy files, and goes on where an interrupted run stopped. */
@Command(
    name = "Embed",
    mixinStandardHelpOptions = true,
    description = {
      "Embeds images or texts into a folder of .npy files (float32, unit length) with a table of",
      "names. Run it again to go on where it was interrupted. Search finds images in the folder."
    })
public final class Embed implements Callable<Integer> {
  @Mixin private ModelOptions model;

  @ArgGroup(multiplicity = "1")
  private EmbedInput input;

  @Option(names = "--out", required = true, paramLabel = "DIR", description = "The folder to fill.")
  private Path out;

  @Option(
      names = "--image-column",
      defaultValue = "file",
      description = "The column of image files in a table.")
  private String imageColumn;

  @Option(
      names = "--no-quotes",
      description = "Quotes in a table are part of its text; they enclose no fields.")
  private boolean noQuotes;

  @Mixin private BackgroundOption background;

  @Option(names = "--batch-size", defaultValue = "32", description = "Encoded at once.")
  @Range(min = 1)
  private int batchSize;

  @Option(
      names = "--rows-per-shard",
      defaultValue = "4096",
      description = "Rows of an .npy file; an interrupted run loses at most so many.")
  @Range(min = 1)
  private int rowsPerShard;

  public static void main(String... args) {
    System.exit(Examples.run(new Embed(), args));
  }

  @Override
  public Integer call() throws IOException {
    // What is to be embedded is looked at first: it may be misspelt, and a model loads slowly.
    ImageList images = input.images(imageColumn, !noQuotes, background.decoder());
    List<String> texts = input.texts();
    ClipLoader loader = model.loader();
    ModelFacts facts = ModelFacts.of(loader);
    try (Clip clip = loader.load()) {
      EmbeddingJob job = new EmbeddingJob(out, clip, model, facts, batchSize, rowsPerShard);
      if (images != null) {
        job.run(images, background.name());
      } else {
        job.run(texts);
      }
    }
    return 0;
  }
}
