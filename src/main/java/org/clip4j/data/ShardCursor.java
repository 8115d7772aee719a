package org.clip4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.data.internal.shards.ShardScanner;
import org.clip4j.io.SeededRandom;

/**
 * One pass over shards, in an order of the seed's, through a shuffle buffer: a pair is drawn from
 * the buffer, and the next of the shards takes its place. The buffer holds the places of samples,
 * not their content.
 *
 * <p>To skip, only the number of samples in a shard matters; the shards that are known by it are
 * not opened.
 */
final class ShardCursor implements EpochCursor {

  /**
   * A sample in the buffer.
   *
   * @param number in its shard
   * @param sample null if not looked up yet
   */
  private record Slot(int shard, int number, ShardScanner.Sample sample) {}

  private final PairShards shards;
  private final int epoch;
  private final int[] order;
  private final SeededRandom random;
  private final List<Slot> buffer = new ArrayList<>();
  private int turn; // in the order of shards
  private int number; // of the next sample in that shard
  private ShardScanner scanner; // stands at that sample; null if not opened
  private boolean unresolved; // some of the buffer's samples are not looked up

  ShardCursor(PairShards shards, long seed, int epoch) {
    this.shards = shards;
    this.epoch = epoch;
    order = new SeededRandom(SeededRandom.SHUFFLE, seed, epoch).permutation(shards.count());
    random = new SeededRandom(SeededRandom.SHUFFLE_BUFFER, seed, epoch);
  }

  @Override
  public Drawn next() throws IOException {
    if (unresolved) {
      lookUp();
    }
    Slot slot = draw(true);
    if (slot == null) {
      return null;
    }
    return new Drawn(
        (long) slot.shard << 32 | slot.number,
        -1,
        epoch,
        shards.name(),
        shards.reading(slot.shard, slot.sample));
  }

  @Override
  public long skip(long count) throws IOException {
    long skipped = 0;
    while (skipped < count && draw(false) != null) {
      skipped++;
    }
    return skipped;
  }

  private Slot draw(boolean look) throws IOException {
    while (buffer.size() < shards.bufferSize()) {
      Slot incoming = incoming(look);
      if (incoming == null) {
        break;
      }
      unresolved |= incoming.sample == null;
      buffer.add(incoming);
    }
    if (buffer.isEmpty()) {
      return null;
    }
    int last = buffer.size() - 1;
    int drawn = random.nextInt(buffer.size());
    Slot slot = buffer.set(drawn, buffer.get(last));
    buffer.remove(last);
    return slot;
  }

  /** The next sample of the shards; null after the last. */
  private Slot incoming(boolean look) throws IOException {
    while (turn < order.length) {
      int shard = order[turn];
      int known = shards.samples(shard);
      if (!look && scanner == null && known >= 0) {
        if (number < known) {
          return new Slot(shard, number++, null);
        }
      } else {
        if (scanner == null) {
          scanner = shards.scan(shard);
          pass(scanner, shard, number);
        }
        ShardScanner.Sample sample = scanner.next();
        if (sample != null) {
          return new Slot(shard, number++, sample);
        }
        shards.learn(shard, number);
        close();
      }
      turn++;
      number = 0;
    }
    return null;
  }

  private void pass(ShardScanner scanner, int shard, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      sample(scanner, shard);
    }
  }

  private ShardScanner.Sample sample(ShardScanner scanner, int shard) throws IOException {
    ShardScanner.Sample sample = scanner.next();
    if (sample == null) {
      throw new IOException(
          shards.file(shard) + " has fewer samples than when they were counted; delete the index");
    }
    return sample;
  }

  /** Opens each shard that skipping left samples of in the buffer. */
  private void lookUp() throws IOException {
    for (int shard : buffer.stream().mapToInt(Slot::shard).distinct().sorted().toArray()) {
      List<Integer> open = new ArrayList<>();
      for (int i = 0; i < buffer.size(); i++) {
        if (buffer.get(i).shard == shard && buffer.get(i).sample == null) {
          open.add(i);
        }
      }
      if (open.isEmpty()) {
        continue;
      }
      open.sort((a, b) -> Integer.compare(buffer.get(a).number, buffer.get(b).number));
      try (ShardScanner again = shards.scan(shard)) {
        int at = 0;
        for (int i : open) {
          int wanted = buffer.get(i).number;
          pass(again, shard, wanted - at);
          buffer.set(i, new Slot(shard, wanted, sample(again, shard)));
          at = wanted + 1;
        }
      }
    }
    unresolved = false;
  }

  /** Never told before the end, so that nothing depends on what was counted before. */
  @Override
  public long size() {
    return -1;
  }

  @Override
  public void close() throws IOException {
    if (scanner != null) {
      scanner.close();
      scanner = null;
    }
  }
}
