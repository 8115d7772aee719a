package org.clip4j.train.internal.monitor;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** How fast the last steps were, and how much of that time went into waiting for data. */
final class Pace {
  private static final int STEPS = 50;

  private record Mark(long nanos, long samples, long waited) {}

  private final LongSupplier clock;
  private final Deque<Mark> marks = new ArrayDeque<>(); // the first is the beginning
  private long pausedAt = -1;
  private long paused;
  private boolean whole; // whether the first steps are behind

  Pace() {
    this(System::nanoTime);
  }

  Pace(LongSupplier clock) {
    this.clock = clock;
  }

  /** Stops the clock. */
  void pause() {
    pausedAt = pausedAt < 0 ? clock.getAsLong() : pausedAt;
  }

  /** Starts the clock for the first time, or again. */
  void start() {
    if (pausedAt >= 0) {
      paused += clock.getAsLong() - pausedAt;
      pausedAt = -1;
    }
    if (marks.isEmpty()) {
      marks.add(new Mark(clock.getAsLong() - paused, 0, 0));
    }
  }

  /**
   * A step's end.
   *
   * @param samples of the step
   * @param waited since training began
   */
  void step(int samples, Duration waited) {
    long before = marks.isEmpty() ? 0 : marks.getLast().samples;
    marks.add(new Mark(clock.getAsLong() - paused, before + samples, waited.toNanos()));
    if (marks.size() > STEPS + 1) {
      marks.removeFirst();
      whole = true;
    }
  }

  /**
   * The time that a step takes. Among few steps the first half does not count, since they warm up.
   *
   * @return empty while it can only be guessed
   */
  Optional<Duration> perStep() {
    int last = marks.size() - 1;
    if (last < 3) {
      return Optional.empty();
    }
    long end = marks.getLast().nanos;
    if (last < 10 && end - marks.getFirst().nanos < 2_000_000_000L) {
      return Optional.empty();
    }
    int from = whole ? 0 : (last + 1) / 2;
    long begun = List.copyOf(marks).get(from).nanos;
    return Optional.of(Duration.ofNanos((end - begun) / (last - from)));
  }

  double samplesPerSecond() {
    return (marks.getLast().samples - marks.getFirst().samples) * 1e9 / nanos();
  }

  /** A share in [0, 1]. */
  double dataWait() {
    return Math.min(1, (double) (marks.getLast().waited - marks.getFirst().waited) / nanos());
  }

  private long nanos() {
    return Math.max(1, marks.getLast().nanos - marks.getFirst().nanos);
  }
}
