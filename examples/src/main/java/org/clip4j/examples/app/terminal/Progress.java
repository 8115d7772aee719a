package org.clip4j.examples.app.terminal;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Shows on standard output how something of a known length is getting on: done of all, what the
 * caller has to say, and the time left. On a terminal it is its last line; elsewhere (a pipe, a
 * file, CI) a plain line every few seconds. One thread uses it, and closes it.
 */
public final class Progress implements AutoCloseable {

  /** Time between two plain lines. */
  private static final long LINE_NANOS = 5_000_000_000L;

  /** Time between two pictures of the terminal's line. */
  private static final long LIVE_NANOS = 200_000_000L;

  private final String task;
  private final long total;
  private final PrintStream out;
  private final LongSupplier nanoTime;
  private final StatusLine line; // null where standard output is no terminal
  private long last;

  public Progress(String task, long total) {
    this(task, total, System.out, System::nanoTime, StatusLine.installed());
  }

  public Progress(
      String task, long total, PrintStream out, LongSupplier nanoTime, StatusLine line) {
    this.task = task;
    this.total = total;
    this.out = out;
    this.nanoTime = nanoTime;
    this.line = line;
    last = nanoTime.getAsLong() - (line == null ? 0 : LIVE_NANOS);
  }

  /**
   * Shows the state.
   *
   * @param done of all
   * @param left empty while it can only be guessed
   */
  public void show(long done, String state, Optional<Duration> left) {
    long now = nanoTime.getAsLong();
    if (done < total && now - last < (line == null ? LINE_NANOS : LIVE_NANOS)) {
      return;
    }
    last = now;
    String count = String.format(Locale.ROOT, "%,d/%,d", done, total);
    String rest = state + ", " + TimeLeft.words(left);
    if (line == null) {
      out.println(task + " " + count + "  " + rest);
    } else {
      line.show(task + " " + line.bar(done, total) + " " + count + "  " + rest);
    }
  }

  @Override
  public void close() {
    if (line != null) {
      line.end();
    }
  }
}
