package org.clip4j.examples.app.search;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.clip4j.Clip;
import org.clip4j.data.ImageList;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.app.terminal.Stop;
import org.clip4j.examples.options.ModelOptions;
import org.clip4j.search.EmbeddingRun;
import org.clip4j.search.EmbeddingWriter;

/**
 * Embedding as the command line shows it: with its progress, and a summary at the end.
 *
 * @param out the folder to fill, or to go on with
 */
public record EmbeddingJob(
    Path out, Clip clip, ModelOptions model, ModelFacts facts, int batchSize, int rowsPerShard) {

  /**
   * Embeds images.
   *
   * @param background which is behind transparent ones
   */
  public void run(ImageList images, String background) throws IOException {
    Map<String, String> all = facts(ModelFacts.IMAGES);
    all.put("transform", facts.transform());
    all.put("background", background);
    Map<String, String> notes = notes();
    notes.put(ModelFacts.KIND, images.kind().name().toLowerCase(Locale.ROOT));
    notes.put(ModelFacts.ROOT, images.root().toString());
    try (EmbeddingWriter writer =
        writer().setColumns("file", "member").optFacts(all).optNotes(notes).open()) {
      EmbeddingRun<byte[]> run =
          new EmbeddingRun<>(
              writer,
              i -> clip.transform().apply(images.get(i).read()),
              batch -> clip.encodeLevels(batch.toArray(byte[][]::new)),
              batchSize,
              Runtime.getRuntime().availableProcessors());
      run(
          run,
          writer,
          images.size(),
          i -> List.of(images.name(i).file(), images.name(i).member()),
          ModelFacts.IMAGES);
    }
  }

  /** Embeds texts. */
  public void run(List<String> texts) throws IOException {
    try (EmbeddingWriter writer =
        writer().setColumns("text").optFacts(facts(ModelFacts.TEXTS)).optNotes(notes()).open()) {
      EmbeddingRun<String> run =
          new EmbeddingRun<>(writer, texts::get, clip::encodeTexts, batchSize, 1);
      run(run, writer, texts.size(), i -> List.of(texts.get(i)), ModelFacts.TEXTS);
    }
  }

  private EmbeddingWriter.Builder writer() {
    return EmbeddingWriter.into(out).setDimensions(clip.embedDim()).optRowsPerShard(rowsPerShard);
  }

  private Map<String, String> notes() {
    Map<String, String> notes = facts.notes(model.name());
    notes.put(ModelFacts.LOGIT_SCALE, Float.toString(clip.logitScale()));
    return notes;
  }

  private Map<String, String> facts(String of) {
    String precision = model.precision().name().toLowerCase(Locale.ROOT);
    return new TreeMap<>(
        Map.of(ModelFacts.OF, of, ModelFacts.WEIGHTS, facts.weights(), "precision", precision));
  }

  /**
   * Embeds, or goes on.
   *
   * @param what is embedded, in words
   */
  private <T> void run(
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
  }
}
