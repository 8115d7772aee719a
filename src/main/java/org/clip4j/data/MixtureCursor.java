package org.clip4j.data;

import java.io.IOException;
import org.clip4j.io.SeededRandom;

/** An epoch of a mixture. Which feed comes next depends on no feed's content. */
final class MixtureCursor implements EpochCursor {
  private static final int FEED_SHIFT = 56; // of an id

  private final PairMixture mixture;
  private final long seed;
  private final int epoch;
  private final long pairs;
  private final SeededRandom random;
  private final long[] left; // of each feed's share
  private final Pass[] passes;
  private long remaining;

  /** One feed's passes in this epoch, one after the other. */
  private final class Pass {
    private final int feed;
    private final long feedSeed;
    private int number;
    private EpochCursor cursor;
    private boolean any; // the pass has given a pair

    Pass(int feed) {
      this.feed = feed;
      feedSeed = new SeededRandom(SeededRandom.MIXTURE, seed, epoch, feed).nextLong();
    }

    private PairFeed source() {
      return mixture.feeds().get(feed);
    }

    private EpochCursor cursor() throws IOException {
      if (cursor == null) {
        cursor = source().epoch(feedSeed, number);
      }
      return cursor;
    }

    private void again() throws IOException {
      if (!any) {
        throw new IOException(source().name() + " has no pairs to mix");
      }
      cursor.close();
      cursor = null;
      any = false;
      number++;
    }

    Drawn next() throws IOException {
      Drawn drawn = cursor().next();
      while (drawn == null) {
        again();
        drawn = cursor().next();
      }
      any = true;
      if (drawn.id() >>> FEED_SHIFT != 0) {
        throw new IOException(source().name() + " has too many shards to mix");
      }
      return new Drawn(
          (long) (feed + 1) << FEED_SHIFT | drawn.id(),
          drawn.index(),
          new SeededRandom(SeededRandom.MIXTURE, epoch, drawn.visit()).nextLong(),
          drawn.feed(),
          drawn.reading());
    }

    void skip(long count) throws IOException {
      for (long open = count; open > 0; ) {
        long skipped = cursor().skip(open);
        any |= skipped > 0;
        open -= skipped;
        if (open > 0) {
          again();
        }
      }
    }
  }

  MixtureCursor(PairMixture mixture, long seed, int epoch) throws IOException {
    this.mixture = mixture;
    this.seed = seed;
    this.epoch = epoch;
    random = new SeededRandom(SeededRandom.MIXTURE, seed, epoch);
    left = mixture.quotas();
    passes = new Pass[left.length];
    for (int i = 0; i < passes.length; i++) {
      passes[i] = new Pass(i);
      remaining += left[i];
    }
    pairs = remaining;
  }

  /** Draws from what is left of the shares, without replacement; -1 at the end. */
  private int feed() {
    if (remaining == 0) {
      return -1;
    }
    long place = random.nextLong(remaining--);
    int feed = 0;
    while (place >= left[feed]) {
      place -= left[feed++];
    }
    left[feed]--;
    return feed;
  }

  @Override
  public Drawn next() throws IOException {
    int feed = feed();
    return feed < 0 ? null : passes[feed].next();
  }

  @Override
  public long skip(long count) throws IOException {
    long[] counts = new long[passes.length];
    long skipped = Math.min(count, remaining);
    for (long i = 0; i < skipped; i++) {
      counts[feed()]++;
    }
    for (int i = 0; i < passes.length; i++) {
      passes[i].skip(counts[i]);
    }
    return skipped;
  }

  @Override
  public long size() {
    return pairs;
  }

  @Override
  public void close() throws IOException {
    for (Pass pass : passes) {
      if (pass.cursor != null) {
        pass.cursor.close();
      }
    }
  }
}
