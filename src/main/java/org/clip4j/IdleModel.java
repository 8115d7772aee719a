package org.clip4j;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.clip4j.encode.Encoder;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipModel;

/** Knows how long a model has not been used, and how it is loaded again after it was freed. */
final class IdleModel implements AutoCloseable {

  /** What is freed and loaded again. */
  record Loaded(ClipModel model, Encoder encoder) {}

  /** Looks are cheap, and so late by a fraction of the time at most. */
  private static final int LOOKS = 8;

  private final long after;
  private final LongSupplier nanoTime;
  private final IoErrors.Work<Loaded> loading;
  private volatile long lastUse;
  private volatile Future<?> looking;

  /**
   * Counts from now.
   *
   * @param after how long a model may be unused before it is freed
   * @param nanoTime the clock, as {@link System#nanoTime}
   * @param loading loads the model again
   */
  IdleModel(Duration after, LongSupplier nanoTime, IoErrors.Work<Loaded> loading) {
    this.after = after.toNanos();
    this.nanoTime = nanoTime;
    this.loading = loading;
    used();
  }

  /** Begins to look, on a thread that all share; {@code look} asks {@link #isOver}. */
  void start(Runnable look) {
    long pause = Math.max(1, after / LOOKS);
    looking = Timer.ALL.scheduleWithFixedDelay(look, pause, pause, TimeUnit.NANOSECONDS);
  }

  /** Counts from now again. */
  void used() {
    lastUse = nanoTime.getAsLong();
  }

  /** Whether the model has not been used for the time. */
  boolean isOver() {
    return nanoTime.getAsLong() - lastUse >= after;
  }

  IoErrors.Work<Loaded> loading() {
    return loading;
  }

  /** Looks no more. */
  @Override
  public void close() {
    if (looking != null) {
      looking.cancel(false);
    }
  }

  private static final class Timer {
    static final ScheduledExecutorService ALL =
        Executors.newSingleThreadScheduledExecutor(DaemonThreads.named("clip4j-idle"));
  }
}
