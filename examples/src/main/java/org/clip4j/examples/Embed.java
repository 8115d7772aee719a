package org.clip4j.examples;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import org.clip4j.Clip;
import org.clip4j.ClipLoader;
import org.clip4j.data.ImageList;
import org.clip4j.data.Images;
import org.clip4j.examples.app.search.ModelFacts;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.app.terminal.Stop;
import org.clip4j.examples.options.BackgroundOption;
import org.clip4j.examples.options.ModelOptions;
import org.clip4j.examples.options.PairOptions;
import org.clip4j.examples.options.Range;
import org.clip4j.image.ImageDecoder;
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
  /** What is embedded. */
  static final class Input {
    @Option(
        names = "--images",
        required = true,
        paramLabel = "DIR|LIST|TAR",
        description =
            "A folder of images; a file that names one a line, or a .csv or .tsv table of them; or"
                + " tar files, as train-{000..127}.tar.")
    private String images;

    @Option(
        names = "--texts",
        required = true,
        paramLabel = "FILE",
        description = "A text a line, UTF-8.")
    private Path texts;
  }

  @Mixin private ModelOptions model;

  @ArgGroup(multiplicity = "1")
  private Input input;

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
    ImageList images = input.images == null ? null : images(background.decoder());
    List<String> texts = input.texts == null ? null : texts(input.texts);
    ClipLoader loader = model.loader();
    ModelFacts facts = ModelFacts.of(loader);
    try (Clip clip = loader.load()) {
      return images != null ? embed(clip, images, facts) : embed(clip, texts, facts);
    }
  }

  private ImageList images(ImageDecoder decoder) throws IOException {
    if (PairOptions.isTar(input.images)) {
      return Images.tars(input.images, decoder);
    }
    Path path = Path.of(input.images);
    if (Files.isDirectory(path)) {
      return Images.folder(path, decoder);
    }
    return input.images.toLowerCase(Locale.ROOT).matches(".*\\.(csv|tsv|tab)")
        ? Images.table(path, imageColumn, !noQuotes, decoder)
        : Images.list(path, decoder);
  }

  private static List<String> texts(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new NoSuchFileException(file.toString(), null, "no such file of texts");
    }
    try {
      List<String> texts =
          Files.readString(file).replace("\uFEFF", "").lines().filter(l -> !l.isBlank()).toList();
      if (texts.isEmpty()) {
        throw new IOException(file + " holds no text");
      }
      return texts;
    } catch (CharacterCodingException e) {
      throw new IOException(file + " is not UTF-8; save it as UTF-8", e);
    }
  }

  private int embed(Clip clip, ImageList images, ModelFacts facts) throws IOException {
    Map<String, String> all = facts(facts, ModelFacts.IMAGES);
    all.put("transform", facts.transform());
    all.put("background", background.name());
    Map<String, String> notes = new TreeMap<>(Map.of("model", model.name()));
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
      return run(
          run,
          writer,
          images.size(),
          i -> List.of(images.name(i).file(), images.name(i).member()),
          ModelFacts.IMAGES);
    }
  }

  private int embed(Clip clip, List<String> texts, ModelFacts facts) throws IOException {
    try (EmbeddingWriter writer =
        writer(clip)
            .setColumns("text")
            .optFacts(facts(facts, ModelFacts.TEXTS))
            .optNotes(Map.of("model", model.name()))
            .open()) {
      EmbeddingRun<String> run =
          new EmbeddingRun<>(writer, texts::get, clip::encodeTexts, batchSize, 1);
      return run(run, writer, texts.size(), i -> List.of(texts.get(i)), ModelFacts.TEXTS);
    }
  }

  private EmbeddingWriter.Builder writer(Clip clip) {
    return EmbeddingWriter.into(out).setDimensions(clip.embedDim()).optRowsPerShard(rowsPerShard);
  }

  private Map<String, String> facts(ModelFacts facts, String of) {
    String precision = model.precision().name().toLowerCase(Locale.ROOT);
    return new TreeMap<>(
        Map.of(ModelFacts.OF, of, ModelFacts.WEIGHTS, facts.weights(), "precision", precision));
  }

  private <T> int run(
      EmbeddingRun<T> run,
      EmbeddingWriter writer,
      int count,
      IntFunction<List<String>> names,
      String what)
      throws IOException {
    int before = writer.sources();
    if (before > 0) {
      System.out.printf(
          Locale.ROOT, "%,d %s were embedded before; going on from there%n", before, what);
    }
    EmbeddingRun.Result result;
    Stop.hold();
    try (Progress bar = new Progress("Embedding", count, before)) {
      result =
          run.run(
              count,
              names,
              (done, skipped) -> {
                bar.progress(done, skipped);
                if (Stop.isRequested() && done < count) {
                  throw new Stop.StoppedException(
                      String.format(
                          Locale.ROOT,
                          "Stopped at %,d of %,d; the same command goes on from there",
                          done,
                          count));
                }
              });
    }
    System.out.printf(
        Locale.ROOT,
        "%,d %s embedded in %.1f s: %,.1f a second; %,d rows of %d in %s%n",
        result.embedded(),
        what,
        result.seconds(),
        result.perSecond(),
        writer.rows(),
        writer.dimensions(),
        out);
    if (result.embedded() > 0) {
      System.out.printf(
          Locale.ROOT,
          "The bottleneck was %s: the model waited %.0f %% of the time to be fed, and the reading"
              + " threads %.0f %% for the model%n",
          result.isReadingTheBottleneck() ? "reading and decoding" : "the model",
          100 * result.modelIdle(),
          100 * result.readersIdle());
    }
    if (writer.skipped() > 0) {
      System.out.printf(
          Locale.ROOT,
          "%,d could not be read; %s lists them with the reasons%n",
          writer.skipped(),
          out.resolve("skipped.jsonl"));
    }
    return 0;
  }
}
