package org.clip4j.examples;

import java.util.Locale;
import java.util.function.LongConsumer;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows on standard output how many of a known number are done, and the time left: a bar on a
 * terminal, elsewhere a line every few seconds. One thread uses it, and closes it.
 */
final class CountBar implements LongConsumer, AutoCloseable {
  private static final double LINE_INTERVAL = 5; // seconds

  private final String task;
  private final long total;
  private final ProgressBar bar; // null where standard output is no terminal
  private final long start = System.nanoTime();
  private double lastLine;

  CountBar(String task, long total) {
    this.task = task;
    this.total = total;
    bar =
        Progress.onTerminal()
            ? ProgressBar.builder()
                .setTaskName(task)
                .setInitialMax(total)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .setConsumer(new ConsoleProgressBarConsumer(System.out))
                .build()
            : null;
  }

  @Override
  public void accept(long done) {
    if (bar != null) {
      bar.stepTo(done);
      return;
    }
    double elapsed = (System.nanoTime() - start) / 1e9;
    if (done == total || elapsed - lastLine >= LINE_INTERVAL) {
      lastLine = elapsed;
      System.out.printf(
          Locale.ROOT,
          "%s %,d/%,d, %,.0f/s, %.0f s left%n",
          task,
          done,
          total,
          done / Math.max(1e-9, elapsed),
          elapsed / Math.max(1, done) * (total - done));
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
