package org.clip4j.examples;

import java.util.Locale;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.ProgressBar;

/**
 * Shows on standard output how many of a known number are done, and the time left: a bar on a
 * terminal, elsewhere a line every few seconds. One thread uses it, and closes it.
 */
final class CountBar implements LongConsumer, AutoCloseable {
  private static final long LINE_NANOS = 5_000_000_000L;

  private final String task;
  private final long total;
  private final long first;
  private final long start = System.nanoTime();
  private final ProgressBar bar; // null where standard output is no terminal
  private long lastLine = start;

  CountBar(String task, long total) {
    this(task, total, 0);
  }

  /**
   * Starts the clock.
   *
   * @param first done before
   */
  CountBar(String task, long total, long first) {
    this.task = task;
    this.total = total;
    this.first = first;
    bar = Progress.onTerminal() ? Progress.newBar(task, total, first, System.out) : null;
  }

  @Override
  public void accept(long done) {
    progress(done, 0);
  }

  /**
   * Shows the state.
   *
   * @param done of all, those done before included
   * @param damaged of them
   */
  void progress(long done, long damaged) {
    long now = System.nanoTime();
    double perSecond = (done - first) / Math.max(1e-9, (now - start) / 1e9);
    String state =
        String.format(Locale.ROOT, "%,.0f/s", perSecond)
            + (damaged == 0 ? "" : ", " + damaged + " damaged");
    if (bar != null) {
      bar.setExtraMessage(' ' + state);
      bar.stepTo(done);
    } else if (now - lastLine >= LINE_NANOS) {
      lastLine = now;
      System.out.printf(
          Locale.ROOT,
          "%s %,d of %,d  %s, %.0f s left%n",
          task,
          done,
          total,
          state,
          (total - done) / Math.max(1e-9, perSecond));
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
