package org.clip4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.io.Limits;

/**
 * Mixes several feeds by weight, see {@link Pairs#mixture()}.
 *
 * <p>An epoch is a fixed number of pairs, by default as many as all feeds have together. Each feed
 * gives its share of them by weight, exact to one pair, and every arrangement of the shares over
 * the epoch is equally likely. Within an epoch a feed is passed through once, and anew in another
 * order whenever it ends; every epoch begins new passes. A feed with a small share therefore gives
 * a part of its pairs, drawn anew each epoch, and one with a large share gives all its pairs
 * several times, with captions and augmentation drawn anew each time.
 */
public final class PairMixture implements PairFeed {
  private final List<PairFeed> feeds;
  private final List<Double> weights;
  private final long declaredPairs;

  private PairMixture(Builder builder) {
    this.feeds = List.copyOf(builder.feeds);
    this.weights = List.copyOf(builder.weights);
    this.declaredPairs = builder.pairs;
  }

  @Override
  public String name() {
    return "mixture of " + feeds.stream().map(PairFeed::name).collect(Collectors.joining(", "));
  }

  @Override
  public long pairsPerEpoch() throws IOException {
    if (declaredPairs > 0) {
      return declaredPairs;
    }
    long total = 0;
    for (PairFeed feed : feeds) {
      total += feed.pairsPerEpoch();
    }
    return total;
  }

  /**
   * Returns a digest of the parts of all feeds, with their weights, and of the length of an epoch.
   */
  @Override
  public Map<String, String> digest() throws IOException {
    Map<String, String> parts = new TreeMap<>();
    parts.put("pairs in an epoch", String.valueOf(pairsPerEpoch()));
    for (int i = 0; i < feeds.size(); i++) {
      String feed = "feed " + (i + 1) + ": ";
      parts.put(feed + "weight", String.valueOf(weights.get(i)));
      feeds.get(i).digest().forEach((name, value) -> parts.put(feed + name, value));
    }
    return Collections.unmodifiableMap(parts);
  }

  @Override
  public EpochCursor epoch(long seed, int epoch) throws IOException {
    return new MixtureCursor(this, seed, epoch);
  }

  List<PairFeed> feeds() {
    return feeds;
  }

  /**
   * How many pairs of an epoch each feed gives: rounded down, the rest to the largest remainders.
   */
  long[] quotas() throws IOException {
    long pairs = pairsPerEpoch();
    double sum = weights.stream().mapToDouble(w -> w).sum();
    double[] exact = weights.stream().mapToDouble(w -> pairs * (w / sum)).toArray();
    long[] quotas = new long[exact.length];
    long left = pairs;
    for (int i = 0; i < exact.length; i++) {
      quotas[i] = Math.min(left, (long) exact[i]);
      left -= quotas[i];
    }
    List<Integer> byRemainder =
        IntStream.range(0, exact.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> quotas[i] - exact[i])) // stable
            .toList();
    for (int i = 0; left > 0; i = (i + 1) % exact.length, left--) {
      quotas[byRemainder.get(i)]++;
    }
    return quotas;
  }

  /** Says what to mix. Not safe for use by several threads. */
  public static final class Builder {
    private static final int MAX_FEEDS = 127;

    private final List<PairFeed> feeds = new ArrayList<>();
    private final List<Double> weights = new ArrayList<>();
    private long pairs;

    Builder() {}

    /**
     * Adds a feed.
     *
     * @param weight its share of the pairs, above 0; the weights need not sum to 1
     * @throws IllegalArgumentException if the feed is a mixture itself, or without pairs
     */
    public Builder add(PairFeed feed, double weight) {
      Limits.aboveZero("the weight of " + feed.name(), weight);
      if (feed instanceof PairMixture) {
        throw new IllegalArgumentException("add the mixture's feeds in its place");
      }
      if (feed instanceof PairSource source && source.size() == 0) {
        throw new IllegalArgumentException(feed.name() + " has no pairs to mix");
      }
      if (feeds.size() == MAX_FEEDS) {
        throw new IllegalArgumentException("at most " + MAX_FEEDS + " feeds can be mixed");
      }
      feeds.add(Objects.requireNonNull(feed, "feed"));
      weights.add(weight);
      return this;
    }

    /**
     * Sets the number of pairs in an epoch; by default the sum of the feeds', for which shards may
     * be counted.
     */
    public Builder optPairsPerEpoch(long pairs) {
      this.pairs = Limits.atLeast("pairs in an epoch", 1, pairs);
      return this;
    }

    /**
     * Builds the mixture.
     *
     * @throws IllegalStateException if nothing was added
     */
    public PairMixture build() {
      if (feeds.isEmpty()) {
        throw new IllegalStateException("a mixture needs feeds: add(feed, weight)");
      }
      return new PairMixture(this);
    }
  }
}
