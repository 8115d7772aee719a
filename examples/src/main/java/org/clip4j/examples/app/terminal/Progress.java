package org.clip4j.examples.app.terminal;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Shows on standard output how something of a known length is getting on: done of all, what the
 * caller has to say or the pace, and the time left. On a terminal it is its last line; elsewhere (a
 * pipe, a file, CI) a plain line every few seconds. One thread uses it, and closes it.
 */
public final class Progress implements LongConsumer, AutoCloseable {

  /** Time between two plain lines. */
  private static final long LINE_NANOS = 5_000_000_000L;

  /** Time between two pictures of the terminal's line. */
  private static final long LIVE_NANOS = 200_000_000L;

  private final String task;
  private final long total;
  private final TimeLeft time;
  private final PrintStream out;
  private final LongSupplier nanoTime;
  private final StatusLine line; // null where standard output is no terminal
  private long last;

  public Progress(String task, long total) {
    this(task, total, 0);
  }

  /**
   * Starts the clock.
   *
   * @param first done before
   */
  public Progress(String task, long total, long first) {
    this(task, total, first, System.out, System::nanoTime, StatusLine.installed());
  }

  Progress(
      String task,
      long total,
      long first,
      PrintStream out,
      LongSupplier nanoTime,
      StatusLine line) {
    this.task = task;
    this.total = total;
    this.out = out;
    this.nanoTime = nanoTime;
    this.line = line;
    time = new TimeLeft(first, nanoTime);
    last = nanoTime.getAsLong() - (line == null ? 0 : LIVE_NANOS);
  }

  @Override
  public void accept(long done) {
    progress(done, 0);
  }

  /**
   * Shows pace and time left.
   *
   * @param done of all, those done before included
   * @param damaged of them
   */
  public void progress(long done, long damaged) {
    String state =
        String.format(Locale.ROOT, "%,.0f/s", perSecond(done))
            + (damaged == 0 ? "" : ", " + damaged + " damaged");
    show(done, state, time.until(total));
  }

  /** Notes how many are done, and returns how many are in a second; 0 at first. */
  public double perSecond(long done) {
    time.progress(done);
    return time.perSecond();
  }

  /**
   * Shows the state.
   *
   * @param done of all
   * @param left empty while it can only be guessed
   */
  public void show(long done, String state, Optional<Duration> left) {
    String rest = state + ", " + TimeLeft.words(left);
    show(done, String.format(Locale.ROOT, "%,d/%,d  %s", done, total, rest));
  }

  /** Shows a text behind the bar. */
  void show(long done, String text) {
    long now = nanoTime.getAsLong();
    if (done < total && now - last < (line == null ? LINE_NANOS : LIVE_NANOS)) {
      return;
    }
    last = now;
    if (line == null) {
      out.println(task + " " + text);
    } else {
      line.show(task + " " + line.bar(done, total) + " " + text);
    }
  }

  @Override
  public void close() {
    if (line != null) {
      line.end();
    }
  }
}
