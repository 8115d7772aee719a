package org.clip4j.data;

import org.clip4j.io.SeededRandom;

/** All pairs of a source, every order equally likely. */
final class ShuffledCursor implements EpochCursor {
  private final PairSource source;
  private final int epoch;
  private final int[] order;
  private int next;

  ShuffledCursor(PairSource source, long seed, int epoch) {
    this.source = source;
    this.epoch = epoch;
    order = new SeededRandom(SeededRandom.SHUFFLE, seed, epoch).permutation(source.size());
  }

  private record FromSource(PairSource source, int index) implements Drawn.Reading {

    @Override
    public String name() {
      return "pair " + index;
    }

    @Override
    public ImageTextPair pair() {
      return source.get(index);
    }
  }

  @Override
  public Drawn next() {
    if (next == order.length) {
      return null;
    }
    int index = order[next++];
    return new Drawn(index, index, epoch, source.name(), new FromSource(source, index));
  }

  @Override
  public long skip(long count) {
    int skipped = (int) Math.min(count, order.length - next);
    next += skipped;
    return skipped;
  }

  @Override
  public long size() {
    return order.length;
  }

  @Override
  public void close() {}
}
