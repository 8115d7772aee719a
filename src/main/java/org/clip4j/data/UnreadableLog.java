package org.clip4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers which pairs have an unreadable image and reports each once. Written by the assembling
 * thread, read by any.
 */
final class UnreadableLog {
  private static final Logger LOG = LoggerFactory.getLogger(PairLoader.class);

  /** A wrong image root makes every image unreadable; a line each would bury the message. */
  private static final int LISTED = 100;

  private static final int REASONS = 3;

  private final BitSet indices = new BitSet();
  private final List<String> names = new ArrayList<>();
  private final List<String> reasons = new ArrayList<>();

  synchronized boolean contains(int index) {
    return indices.get(index);
  }

  synchronized void add(int index, String name, IOException reason) {
    if (indices.get(index)) {
      return;
    }
    indices.set(index);
    String text = reason.getMessage() != null ? reason.getMessage() : reason.toString();
    if (reasons.size() < REASONS) {
      reasons.add(text);
    }
    if (names.size() < LISTED) {
      names.add(name);
      LOG.warn("{} is left out: {}", name, text);
      if (names.size() == LISTED) {
        LOG.warn("{} images were unreadable so far; more are counted, not listed", LISTED);
      }
    }
  }

  synchronized UnreadableImages snapshot() {
    return new UnreadableImages(indices.cardinality(), names);
  }

  synchronized IOException nothingReadable() {
    return new IOException(
        "none of the "
            + indices.cardinality()
            + " images could be read; the first reasons: "
            + String.join("; ", reasons));
  }
}
