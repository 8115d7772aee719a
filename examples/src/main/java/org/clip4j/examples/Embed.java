package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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
import org.clip4j.search.EmbeddingRun;
import org.clip4j.search.EmbeddingWriter;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Embeds images or texts into .npy files, and goes on where an interrupted run stopped. */
@Command(
    name = "Embed",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
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
      if (images != null) {
        embed(clip, images, facts);
      } else {
        embed(clip, texts, facts);
      }
    }
    return 0;
  }

  private void embed(Clip clip, ImageList images, ModelFacts facts) throws IOException {
    Map<String, String> all = facts(facts, ModelFacts.IMAGES);
    all.put("transform", facts.transform());
    all.put("background", background.name());
    Map<String, String> notes = notes(clip, facts);
    notes.put(ModelFacts.KIND, images.kind().name().toLowerCase(Locale.ROOT));
    notes.put(ModelFacts.ROOT, images.root().toString());
    try (EmbeddingWriter writer =
        writer(clip).setColumns("file", "member").optFacts(all).optNotes(notes).open()) {
      EmbeddingRun<byte[]> run =
          new EmbeddingRun<>(
              writer,
              i -> clip.transform().apply(images.get(i).read()),
              batch -> clip.encodeLevels(batch.toArray(byte[][]::new)),
              batchSize,
              Runtime.getRuntime().availableProcessors());
      EmbeddingJob.run(
          run,
          writer,
          images.size(),
          i -> List.of(images.name(i).file(), images.name(i).member()),
          ModelFacts.IMAGES,
          out);
    }
  }

  private void embed(Clip clip, List<String> texts, ModelFacts facts) throws IOException {
    try (EmbeddingWriter writer =
        writer(clip)
            .setColumns("text")
            .optFacts(facts(facts, ModelFacts.TEXTS))
            .optNotes(notes(clip, facts))
            .open()) {
      EmbeddingRun<String> run =
          new EmbeddingRun<>(writer, texts::get, clip::encodeTexts, batchSize, 1);
      EmbeddingJob.run(
          run, writer, texts.size(), i -> List.of(texts.get(i)), ModelFacts.TEXTS, out);
    }
  }

  private EmbeddingWriter.Builder writer(Clip clip) {
    return EmbeddingWriter.into(out).setDimensions(clip.embedDim()).optRowsPerShard(rowsPerShard);
  }

  private Map<String, String> notes(Clip clip, ModelFacts facts) {
    Map<String, String> notes = facts.notes(model.name());
    notes.put(ModelFacts.LOGIT_SCALE, Float.toString(clip.logitScale()));
    return notes;
  }

  private Map<String, String> facts(ModelFacts facts, String of) {
    String precision = model.precision().name().toLowerCase(Locale.ROOT);
    return new TreeMap<>(
        Map.of(ModelFacts.OF, of, ModelFacts.WEIGHTS, facts.weights(), "precision", precision));
  }
}
