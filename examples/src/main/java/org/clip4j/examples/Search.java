package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.clip4j.ClipLoader;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.search.ImageSearch;
import org.clip4j.examples.app.search.ImageSearch.Match;
import org.clip4j.examples.app.search.SearchFilters;
import org.clip4j.examples.app.search.SearchPages;
import org.clip4j.examples.app.search.SearchServer;
import org.clip4j.examples.options.ModelOptions;
import org.clip4j.examples.options.Range;
import org.clip4j.image.ImageDecoder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds images by a text or an image among those that Embed went through. */
@Command(
    name = "Search",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    showDefaultValues = true,
    description = {
      "Ranks the rows of a folder that Embed filled by their similarity to a text or an image,",
      "and writes a page of them; or serves a page on this machine to type queries into."
    })
public final class Search implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--embeddings",
      required = true,
      paramLabel = "DIR",
      description = "The folder that Embed filled.")
  private Path embeddings;

  @Parameters(arity = "0..1", paramLabel = "TEXT", description = "What to look for.")
  private String text;

  @Option(names = "--image", paramLabel = "FILE", description = "An image to look for.")
  private Path image;

  @Option(names = "--top", defaultValue = "20", paramLabel = "K", description = "How many to show.")
  @Range(min = 1)
  private int top;

  @Option(
      names = "--where",
      paramLabel = "FILTER",
      description =
          "Only among rows that match; may be given several times. " + SearchFilters.SYNTAX)
  private List<String> where = List.of();

  @Option(
      names = "--relevance",
      paramLabel = "RATE",
      description =
          "Shows only what stands out from the rest, perhaps nothing; of what is shown at most this"
              + " share should be irrelevant, for example 0.3.")
  @Range(above = 0, below = 1)
  private Double relevance;

  @Option(
      names = "--fold",
      paramLabel = "COSINE",
      description = "Folds rows that are at least so similar to a better one into it.")
  @Range(above = -1, max = 1)
  private Float fold;

  @Option(
      names = "--without",
      paramLabel = "TEXT",
      description = "What is not wanted: it is subtracted from the query.")
  private String without;

  @Option(
      names = "--add",
      arity = "1..*",
      paramLabel = "FILE",
      description = "Adds images to the index, or replaces those of the same name.")
  private List<Path> add = List.of();

  @Option(
      names = "--field",
      paramLabel = "FIELD=VALUE",
      description = "A field of what --add adds; may be given several times.")
  private List<String> fields = List.of();

  @Option(
      names = "--remove",
      arity = "1..*",
      paramLabel = "NAME",
      description = "Removes rows from the index, by the names that are shown.")
  private List<String> remove = List.of();

  @Option(
      names = "--out",
      defaultValue = "results.html",
      paramLabel = "FILE",
      description = "The page to write.")
  private Path out;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "Where the images are now, if they were moved since.")
  private Path images;

  @Option(
      names = "--serve",
      paramLabel = "PORT",
      description = "Serves a page on this machine instead, until Ctrl-C; 0 takes a free port.")
  @Range(min = 0, max = 65535)
  private Integer serve;

  public static void main(String... args) {
    System.exit(Examples.run(new Search(), args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    boolean changes = !add.isEmpty() || !remove.isEmpty();
    int asked = (text != null ? 1 : 0) + (image != null ? 1 : 0) + (serve != null ? 1 : 0);
    if (asked > 1 || asked == 0 && !changes) {
      throw new ParameterException(
          spec.commandLine(),
          "Give one of TEXT, --image FILE and --serve PORT, or --add or --remove");
    }
    ClipLoader loader = model.loader();
    try (ImageSearch search = ImageSearch.open(loader, model.name(), embeddings, images)) {
      for (String name : remove) {
        System.out.printf(Locale.ROOT, "%d removed: %s%n", search.remove(name), printable(name));
      }
      if (!add.isEmpty()) {
        System.out.printf(
            Locale.ROOT, "%d added, of %,d rows%n", search.add(add, fields), search.size());
      }
      if (serve != null) {
        serve(search);
      } else if (asked == 1) {
        show(search);
      }
    }
    return 0;
  }

  private void show(ImageSearch search) throws IOException {
    ImageSearch.Options options = new ImageSearch.Options(top, where, relevance, fold, without);
    List<Match> matches =
        image == null
            ? search.byText(text, options)
            : search.byImage(ImageDecoder.decode(image), options);
    if (matches.isEmpty()) {
      System.out.println(
          relevance == null ? "No row matches the filters." : SearchPages.NOTHING_RELEVANT);
    }
    for (Match match : matches) {
      System.out.printf(
          Locale.ROOT,
          "%4d  %6.3f  %s%s%n",
          match.rank(),
          match.score(),
          printable(match.name()),
          match.folded() == 0 ? "" : "  (and " + match.folded() + " like it)");
    }
    HtmlReport.write(
        out, SearchPages.results(search, image == null ? text : image.toString(), matches));
    System.out.println("The page is in " + out);
  }

  /** A name may hold what a terminal takes as commands. */
  private static String printable(String name) {
    return name.replaceAll("[\\p{Cc}\\p{Cf}]", "?");
  }

  private void serve(ImageSearch search) throws IOException, InterruptedException {
    try (SearchServer server = new SearchServer(search, serve)) {
      System.out.printf(
          Locale.ROOT, "%,d rows at %s  (Ctrl-C ends it)%n", search.size(), server.address());
      new CountDownLatch(1).await();
    }
  }
}
