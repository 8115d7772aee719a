package org.clip4j.examples.app.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.clip4j.data.PairFeed;
import org.clip4j.data.PairSource;
import org.clip4j.data.Split;

/**
 * What is trained on.
 *
 * @param training all pairs, or those that are not held out
 * @param split null if none are held out
 */
public record TrainingPairs(PairFeed training, Split split) {

  /**
   * Holds some pairs out.
   *
   * @param share of all pairs, 0 for none
   */
  public static TrainingPairs of(PairFeed feed, double share, long seed) {
    if (share == 0) {
      return new TrainingPairs(feed, null);
    }
    if (!(feed instanceof PairSource source)) {
      throw new IllegalArgumentException(
          "--held-out needs pairs with an order of their own; keep some shards back instead");
    }
    Split split = source.split(share, seed);
    return new TrainingPairs(split.train(), split);
  }

  /** How many are held out. */
  public int heldOut() {
    return split == null ? 0 : split.heldOut().size();
  }

  /** Writes which are held out into the output folder. */
  public void write(Path out) throws IOException {
    Files.createDirectories(out);
    if (split != null) {
      Files.writeString(
          out.resolve("held-out-indices.txt"),
          split.heldOutIndices().stream().map(i -> i + "\n").collect(Collectors.joining()));
    }
  }
}
