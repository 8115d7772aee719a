package org.clip4j.data;

import java.io.IOException;

/** The pairs of one epoch in their order. Used by one thread. */
interface EpochCursor extends AutoCloseable {

  /** The order of an epoch, which feed, seed and epoch alone determine. */
  static EpochCursor of(PairFeed feed, long seed, int epoch) throws IOException {
    if (feed instanceof PairSource source) {
      return new ShuffledCursor(source, seed, epoch);
    }
    if (feed instanceof PairShards shards) {
      return new ShardCursor(shards, seed, epoch);
    }
    if (feed instanceof PairMixture mixture) {
      return new MixtureCursor(mixture, seed, epoch);
    }
    throw new AssertionError(feed.getClass()); // the interface permits no other
  }

  /** The next pair, not read yet; null after the last. */
  Drawn next() throws IOException;

  /**
   * As so many calls of {@link #next}, but need not look at what it leaves out.
   *
   * @return how many there were, less than asked for only at the end
   */
  long skip(long count) throws IOException;

  /** Pairs in the whole epoch; -1 if only the end will tell. */
  long size();

  @Override
  void close() throws IOException;
}
