package org.clip4j.data;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Keeps transformed pixels and token ids from the first epoch on, within a budget. What is full
 * stays as it is: every epoch visits every pair once, so exchanging entries would not raise the
 * share of hits. Filled by one thread, read by any.
 */
final class LoaderCache {
  /** Roughly what a map entry, its key and an array header take. */
  private static final int ENTRY_BYTES = 80;

  /** Share of the budget that only tokens may take: small, and worth more per byte. */
  private static final int TOKEN_SHARE = 16;

  private final long budget;
  private final AtomicLong used = new AtomicLong();
  private final Map<Integer, byte[]> pixels = new ConcurrentHashMap<>();
  private final Map<Long, int[]> tokens = new ConcurrentHashMap<>();

  LoaderCache(long budget) {
    this.budget = budget;
  }

  byte[] pixels(int index) {
    return pixels.get(index);
  }

  int[] tokens(int index, int caption) {
    return tokens.get(key(index, caption));
  }

  void keepPixels(int index, byte[] image) {
    if (!pixels.containsKey(index) && takes(image.length, budget - budget / TOKEN_SHARE)) {
      pixels.put(index, image);
    }
  }

  void keepTokens(int index, int caption, int[] ids) {
    if (!tokens.containsKey(key(index, caption)) && takes(4L * ids.length, budget)) {
      tokens.put(key(index, caption), ids);
    }
  }

  private boolean takes(long bytes, long limit) {
    long after = used.get() + bytes + ENTRY_BYTES;
    if (after > limit) {
      return false;
    }
    used.set(after);
    return true;
  }

  long usedBytes() {
    return used.get();
  }

  private static long key(int index, int caption) {
    return (long) index << 32 | caption;
  }
}
