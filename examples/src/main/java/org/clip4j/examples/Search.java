package org.clip4j.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.clip4j.ClipLoader;
import org.clip4j.examples.app.report.HtmlReport;
import org.clip4j.examples.app.search.ChangeOptions;
import org.clip4j.examples.app.search.ImageSearch;
import org.clip4j.examples.app.search.ImageSearch.Match;
import org.clip4j.examples.app.search.QueryOptions;
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

  @Mixin private QueryOptions query;

  @Mixin private ChangeOptions changes;

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
    int asked = (text != null ? 1 : 0) + (image != null ? 1 : 0) + (serve != null ? 1 : 0);
    if (asked > 1 || asked == 0 && !changes.any()) {
      throw new ParameterException(
          spec.commandLine(),
          "Give one of TEXT, --image FILE and --serve PORT, or --add or --remove");
    }
    ClipLoader loader = model.loader().optKeepWeights(serve != null); // the page explains
    try (ImageSearch search = ImageSearch.open(loader, model.name(), embeddings, images)) {
      changes.apply(search);
      if (serve != null) {
        serve(search);
      } else if (asked == 1) {
        show(search);
      }
    }
    return 0;
  }

  private void show(ImageSearch search) throws IOException {
    ImageSearch.Options options = query.options();
    List<Match> matches =
        image == null
            ? search.byText(text, options)
            : search.byImage(ImageDecoder.decode(image), options);
    SearchPages.print(matches, options.relevance() != null);
    HtmlReport.write(
        out, SearchPages.results(search, image == null ? text : image.toString(), matches));
    System.out.println("The page is in " + out);
  }

  private void serve(ImageSearch search) throws IOException, InterruptedException {
    try (SearchServer server = new SearchServer(search, serve)) {
      System.out.printf(
          Locale.ROOT, "%,d rows at %s  (Ctrl-C ends it)%n", search.size(), server.address());
      new CountDownLatch(1).await();
    }
  }
}
