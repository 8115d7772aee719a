package org.clip4j.examples.app.terminal;

import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Estimates the time left of a known number of things, by the pace of the last seconds. The first
 * ones do not count: they compile, prove their kernels and fill caches.
 */
public final class TimeLeft {
  private static final long WINDOW = 10_000_000_000L;
  private static final long ENOUGH = 2_000_000_000L;

  private final LongSupplier nanoTime;
  private int calls;
  private long olderTime;
  private long olderDone;
  private long newerTime;
  private long newerDone;
  private long time;
  private long done;

  public TimeLeft(long first, LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    mark(nanoTime.getAsLong(), first);
  }

  private void mark(long now, long first) {
    olderTime = newerTime = time = now;
    olderDone = newerDone = done = first;
  }

  /** Notes how many are done. */
  public void progress(long nowDone) {
    long now = nanoTime.getAsLong();
    if (calls++ == 0) { // what came before was warming up
      mark(now, nowDone);
    }
    if (now - newerTime >= WINDOW) {
      olderTime = newerTime;
      olderDone = newerDone;
      newerTime = now;
      newerDone = nowDone;
    }
    time = now;
    done = nowDone;
  }

  /** Things in a second; 0 at first. */
  public double perSecond() {
    return time == olderTime ? 0 : (done - olderDone) * 1e9 / (time - olderTime);
  }

  /** Empty while it can only be guessed. */
  Optional<Duration> until(long total) {
    if (time - olderTime < ENOUGH || done == olderDone) {
      return done >= total ? Optional.of(Duration.ZERO) : Optional.empty();
    }
    return Optional.of(Duration.ofMillis(Math.round((total - done) / perSecond() * 1000)));
  }

  /** As people read it. */
  static String words(Optional<Duration> left) {
    return left.map(
            time ->
                String.format(Locale.ROOT, "%d:%02d left", time.toMinutes(), time.toSecondsPart()))
        .orElse("estimating the time left");
  }
}
