package org.clip4j.examples.app.search;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.app.terminal.Stop;
import org.clip4j.search.EmbeddingRun;
import org.clip4j.search.EmbeddingWriter;

/** Embedding as the command line shows it: with its progress, and a summary at the end. */
public final class EmbeddingJob {
  private EmbeddingJob() {}

  /**
   * Embeds, or goes on.
   *
   * @param what is embedded, in words
   */
  public static <T> void run(
      EmbeddingRun<T> run,
      EmbeddingWriter writer,
      int count,
      IntFunction<List<String>> names,
      String what,
      Path out)
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
  }
}
