package org.clip4j.examples.app.train;

import ai.djl.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.engine.Precision;
import org.clip4j.eval.PairFilter;
import org.clip4j.examples.app.evaluate.OpenModel;
import org.clip4j.examples.app.terminal.Progress;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.Option;

/** Options that leave out pairs which a model finds unlike, before training. */
public final class FilterOptions {
  /** What was left out, and why. */
  private static final String LEDGER = "filtered.jsonl";

  @Option(
      names = "--filter-by",
      paramLabel = "MODEL",
      description =
          "Leave out training pairs by this model's similarity of image and caption, and duplicates; DIR/filtered.jsonl says which and"
              + " why. Held-out pairs stay.")
  private String model;

  @Option(
      names = "--filter-top",
      defaultValue = "1",
      paramLabel = "SHARE",
      description = "The share of the pairs with the highest similarities that stays.")
  @Range(above = 0, max = 1)
  private double top;

  @Option(
      names = "--filter-min",
      defaultValue = "-1",
      paramLabel = "COSINE",
      description = "The least similarity that stays.")
  @Range(min = -1, max = 1)
  private double least;

  @Option(
      names = "--filter-duplicates",
      defaultValue = "" + PairFilter.DEFAULT_DUPLICATE,
      paramLabel = "COSINE",
      description = "The similarity from which two images are one, of which one pair stays.")
  @Range(above = 0, max = 1)
  private double duplicate;

  /** The pairs that stay; all without --filter-by. */
  public PairFeed apply(PairFeed feed, Path out, Device device) throws IOException {
    if (model == null) {
      if (top < 1 || least > -1) {
        throw new IllegalArgumentException(
            "--filter-top and --filter-min need --filter-by, the model that scores");
      }
      return feed;
    }
    if (!(feed instanceof PairSource pairs)) {
      throw new IllegalArgumentException(
          "--filter-by needs pairs with an order of their own, a table, a folder or JSON lines; not shards");
    }
    PairFilter.Result result;
    try (OpenModel scoring = OpenModel.load(model, device, Precision.FP32);
        Progress bar = new Progress("scoring pairs", pairs.size())) {
      result =
          PairFilter.create()
              .optTopShare(top)
              .optMinScore(least)
              .optDuplicate(duplicate)
              .optProgress(bar)
              .run(scoring.encoder(), pairs);
    }
    result.writeLedger(out.resolve(LEDGER));
    System.out.printf(
        Locale.ROOT,
        "%,d of %,d pairs stay; %s says why the others do not%n",
        result.keptIndices().size(),
        pairs.size(),
        out.resolve(LEDGER));
    return result.kept();
  }
}
