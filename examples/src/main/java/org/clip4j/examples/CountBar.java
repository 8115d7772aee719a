package org.clip4j.examples;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;

/**
 * Shows on standard output how many of many things are done: a bar on a terminal, elsewhere a line
 * every few seconds. One thread uses it, and closes it.
 */
final class CountBar implements AutoCloseable {
  private static final long LINE_NANOS = 5_000_000_000L;

  private final String task;
  private final int count;
  private final int first;
  private final long start = System.nanoTime();
  private final ProgressBar bar; // null where standard output is no terminal
  private long lastLine = start;

  /**
   * Starts the clock.
   *
   * @param first done before
   */
  CountBar(String task, int count, int first) {
    this.task = task;
    this.count = count;
    this.first = first;
    bar = Progress.onTerminal() ? Progress.newBar(task, count, first, System.out) : null;
  }

  void progress(int done, int skipped) {
    long now = System.nanoTime();
    String state =
        String.format(Locale.ROOT, "%,.0f/s", (done - first) / Math.max(1e-9, (now - start) / 1e9))
            + (skipped == 0 ? "" : ", " + skipped + " damaged");
    if (bar != null) {
      bar.setExtraMessage(' ' + state);
      bar.stepTo(done);
    } else if (now - lastLine >= LINE_NANOS) {
      lastLine = now;
      System.out.printf(Locale.ROOT, "%s %,d of %,d  %s%n", task, done, count, state);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
