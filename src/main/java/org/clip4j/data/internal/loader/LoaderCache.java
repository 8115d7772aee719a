package org.clip4j.data.internal.loader;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.clip4j.image.RgbImage;

/**
 * Keeps pixels and token ids from the first epoch on, within a budget: transformed pixels, or with
 * augmentation, which makes others every time, decoded images. What is full stays as it is: every
 * epoch visits every pair, so exchanging entries would not raise the share of hits. For any thread.
 */
final class LoaderCache {
  /** Roughly what a map entry, its key and an array header take. */
  private static final int ENTRY_BYTES = 80;

  /** Share of the budget that only tokens may take: small, and worth more per byte. */
  private static final int TOKEN_SHARE = 16;

  private record Text(long id, int caption) {}

  private final long budget;
  private long used;
  private final Map<Long, byte[]> pixels = new ConcurrentHashMap<>();
  private final Map<Long, RgbImage> images = new ConcurrentHashMap<>();
  private final Map<Text, int[]> tokens = new ConcurrentHashMap<>();

  LoaderCache(long budget) {
    this.budget = budget;
  }

  byte[] pixels(long id) {
    return pixels.get(id);
  }

  RgbImage image(long id) {
    return images.get(id);
  }

  int[] tokens(long id, int caption) {
    return tokens.get(new Text(id, caption));
  }

  synchronized void keepPixels(long id, byte[] image) {
    if (!pixels.containsKey(id) && takes(image.length, budget - budget / TOKEN_SHARE)) {
      pixels.put(id, image);
    }
  }

  synchronized void keepImage(long id, RgbImage image) {
    if (!images.containsKey(id) && takes(image.pixels().length, budget - budget / TOKEN_SHARE)) {
      images.put(id, image);
    }
  }

  synchronized void keepTokens(long id, int caption, int[] ids) {
    Text key = new Text(id, caption);
    if (!tokens.containsKey(key) && takes(4L * ids.length, budget)) {
      tokens.put(key, ids);
    }
  }

  private boolean takes(long bytes, long limit) {
    long after = used + bytes + ENTRY_BYTES;
    if (after > limit) {
      return false;
    }
    used = after;
    return true;
  }

  synchronized long usedBytes() {
    return used;
  }
}
