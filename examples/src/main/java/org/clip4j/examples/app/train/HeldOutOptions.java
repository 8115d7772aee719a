package org.clip4j.examples.app.train;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.data.PairFeed;
import org.clip4j.examples.options.Range;
import picocli.CommandLine.Option;

/** Options that say which pairs are kept back. */
public final class HeldOutOptions {
  @Option(
      names = "--held-out",
      defaultValue = "0",
      paramLabel = "SHARE",
      description = "Share of the pairs to keep back, on which retrieval is measured as it trains.")
  @Range(min = 0, below = 1)
  private double heldOut;

  @Option(names = "--split-seed", description = "Of the split alone (the seed).")
  private Long splitSeed;

  /**
   * Divides pairs, and writes which are held out.
   *
   * @param seed of the training
   */
  public TrainingPairs divide(PairFeed pairs, long seed, Path out) throws IOException {
    TrainingPairs divided = TrainingPairs.of(pairs, heldOut, splitSeed != null ? splitSeed : seed);
    divided.write(out);
    return divided;
  }
}
