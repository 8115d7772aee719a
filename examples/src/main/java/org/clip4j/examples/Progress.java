package org.clip4j.examples;

import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows on standard output how training is getting on: step of all steps, loss, samples/s, the
 * share of time spent waiting for data, and time left. On a terminal it is a bar; elsewhere (a
 * pipe, a file, CI) a plain line every few seconds. One thread uses it, and closes it.
 */
final class Progress implements AutoCloseable {

  /** Seconds between two plain lines. */
  private static final double LINE_INTERVAL = 5;

  /**
   * Seconds over which the speed is averaged: short enough to show a change, calm enough to read.
   */
  private static final double SPEED_WINDOW = 3;

  private final String task;
  private final long steps;
  private final long first;
  private final int samplesPerStep;
  private final PrintStream out;
  private final LongSupplier nanoTime;
  private final ProgressBar bar; // null where standard output is no terminal
  private final long start;
  private long markTime;
  private long markStep;
  private double samplesPerSecond;
  private double lastLine;

  /**
   * Starts the clock.
   *
   * @param first steps done before
   * @param samplesPerStep the batch size
   */
  Progress(String task, long steps, long first, int samplesPerStep) {
    this(task, steps, first, samplesPerStep, System.out, System::nanoTime, onTerminal());
  }

  Progress(
      String task,
      long steps,
      long first,
      int samplesPerStep,
      PrintStream out,
      LongSupplier nanoTime,
      boolean terminal) {
    this.task = task;
    this.steps = steps;
    this.first = first;
    this.markStep = first;
    this.samplesPerStep = samplesPerStep;
    this.out = out;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
    this.markTime = start;
    this.bar = terminal ? newBar(task, steps, first, out) : null;
  }

  /**
   * Reports a step.
   *
   * @param step steps done, from 1
   * @param loss of the last
   * @param dataWait the share of the time of the last steps spent waiting for data
   */
  void step(long step, double loss, double dataWait) {
    long now = nanoTime.getAsLong();
    double since = (now - markTime) / 1e9;
    if (since >= SPEED_WINDOW || markStep == first) {
      samplesPerSecond = (step - markStep) * samplesPerStep / Math.max(since, 1e-9);
    }
    if (since >= SPEED_WINDOW) {
      markTime = now;
      markStep = step;
    }
    String state =
        String.format(
            Locale.ROOT,
            "loss %.3f, %,.0f samples/s, %.0f %% data wait",
            loss,
            samplesPerSecond,
            100 * dataWait);
    if (bar != null) {
      bar.setExtraMessage(' ' + state);
      bar.stepTo(step);
      return;
    }
    double elapsed = (now - start) / 1e9;
    if (step == steps || elapsed - lastLine >= LINE_INTERVAL) {
      lastLine = elapsed;
      String left = clock(elapsed / Math.max(1, step - first) * (steps - step));
      out.printf(Locale.ROOT, "%s %d/%d  %s, %s left%n", task, step, steps, state, left);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }

  static ProgressBar newBar(String task, long steps, long first, PrintStream out) {
    boolean unicode = Charset.defaultCharset().newEncoder().canEncode('█');
    return ProgressBar.builder()
        .setTaskName(task)
        .setInitialMax(steps)
        .startsFrom(first, Duration.ZERO)
        .setStyle(unicode ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(200)
        .setConsumer(new ConsoleProgressBarConsumer(out))
        .build();
  }

  private static String clock(double seconds) {
    Duration left = Duration.ofSeconds(Math.round(seconds));
    return String.format(Locale.ROOT, "%d:%02d", left.toMinutes(), left.toSecondsPart());
  }

  /** From Java 22 on a console exists without a terminal too, and {@code isTerminal} tells. */
  static boolean onTerminal() {
    if (System.console() == null) {
      return false;
    }
    try {
      Method isTerminal = System.console().getClass().getMethod("isTerminal");
      return (Boolean) isTerminal.invoke(System.console());
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
