package org.clip4j.data.internal.loader;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.clip4j.data.Drawn;
import org.clip4j.data.UnreadableImages;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers which pairs are damaged, reports each once, and says when they are too many. Written by
 * the assembling thread, in the order of the pairs; read by any.
 */
final class SkippedPairs {
  private static final Logger LOG = LoggerFactory.getLogger(PairLoader.class);

  /** A wrong image root makes every image unreadable; a line each would bury the message. */
  private static final int LISTED = 100;

  private static final int REASONS = 3;
  private static final String ROOT =
      ". Not one could be read so far: is the folder right that their names start from"
          + " (the image root)?";

  /** Fewer pairs say little about the share. */
  private static final int SAMPLE = 1000;

  private static final int DEVIATIONS = 6;

  private final double maxShare;
  private final SkippedLedger ledger; // null for none
  private final Set<Long> ids = new HashSet<>();
  private final List<String> names = new ArrayList<>();
  private final List<String> reasons = new ArrayList<>();
  private final List<String> unreported = new ArrayList<>();

  /**
   * @param ledger file; null for none
   */
  SkippedPairs(double maxShare, Path ledger) {
    this.maxShare = maxShare;
    this.ledger = ledger == null ? null : new SkippedLedger(ledger);
  }

  /** Begins the ledger anew, or learns from it what was damaged before. */
  synchronized void open(boolean anew) throws IOException {
    if (ledger != null) {
      for (SkippedLedger.Entry entry : ledger.open(anew)) {
        remember(entry.id(), entry.sample(), entry.reason());
      }
    }
  }

  synchronized boolean contains(long id) {
    return ids.contains(id);
  }

  synchronized void add(PairDecoder.Loaded damaged) {
    Drawn drawn = damaged.drawn();
    IOException why = damaged.why();
    String text = IoErrors.message(why);
    if (!remember(drawn.id(), damaged.name(), text)) {
      return;
    }
    if (ledger != null) {
      ledger.add(new SkippedLedger.Entry(drawn.id(), drawn.feed(), damaged.name(), text));
    }
    if (ids.size() <= LISTED) {
      unreported.add(text.contains(damaged.name()) ? text : damaged.name() + ": " + text);
    }
  }

  /**
   * Warns of those that were added since. Called when a pair could be read: as long as none can,
   * the reason is one, such as a wrong image root, and the failure tells it once.
   */
  synchronized void report() {
    if (unreported.isEmpty()) {
      return;
    }
    unreported.forEach(each -> LOG.warn("A pair is left out: {}", each));
    unreported.clear();
    if (ids.size() >= LISTED) {
      LOG.warn("{} pairs were damaged so far; more are counted, not listed", LISTED);
    }
  }

  private boolean remember(long id, String name, String reason) {
    if (!ids.add(id)) {
      return false;
    }
    if (reasons.size() < REASONS) {
      reasons.add(reason);
    }
    if (names.size() < LISTED) {
      names.add(name);
    }
    return true;
  }

  /**
   * Called after each pair that is skipped, in order, so that a run stops at the same pair whatever
   * the threads do. See {@link PairLoader.Builder#optMaxSkippedShare}.
   *
   * @param skipped of all pairs read so far
   * @param whole pairs in all epochs up to the end of this one; -1 if not known
   * @throws IOException if they are too many
   */
  synchronized void check(long skipped, long read, long whole) throws IOException {
    double expected = maxShare * Math.max(read, SAMPLE);
    if (whole >= 0 && skipped > maxShare * whole) {
      throw tooMany(skipped, read, whole);
    }
    if (skipped > expected + DEVIATIONS * Math.sqrt(expected)) {
      throw tooMany(skipped, read, Math.max(read, SAMPLE));
    }
  }

  private IOException tooMany(long skipped, long read, long of) {
    if (skipped < read) {
      report();
    }
    unreported.clear(); // told here
    return new IOException(
        String.format(
            Locale.ROOT,
            "%d of the %d pairs read so far were damaged, more than %s %% of %d"
                + " (the greatest share to be skipped); the first reasons: %s%s%s",
            skipped,
            read,
            percent(maxShare),
            of,
            String.join("; ", reasons),
            skipped < read ? "" : ROOT,
            ledger == null ? "" : "; all are listed in " + ledger.file()));
  }

  private static String percent(double share) {
    String text = String.valueOf(Math.round(share * 1e6) / 1e4);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }

  synchronized UnreadableImages snapshot() {
    return new UnreadableImages(ids.size(), names);
  }

  synchronized IOException nothingReadable(long pairs) {
    unreported.clear(); // told here
    return new IOException(
        "none of the "
            + pairs
            + " images could be read; the first reasons: "
            + String.join("; ", reasons)
            + ROOT);
  }

  void close() {
    report();
    if (ledger != null) {
      ledger.close();
    }
  }
}
