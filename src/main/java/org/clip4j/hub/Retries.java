package org.clip4j.hub;

import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How often, and after what wait, one request is made again: after 1, 2, 4, 8 and 16 seconds, or
 * when the server says, but never later than {@link #MAX_WAIT}.
 */
final class Retries {
  private static final Logger logger = LoggerFactory.getLogger(Retries.class);

  /** Failures in a row, after the first, that end it. */
  static final int MAX_RETRIES = 5;

  static final Duration MAX_WAIT = Duration.ofSeconds(60);

  /** What an attempt must bring for the count to start anew; less lets a server stall for ever. */
  private static final long PROGRESS_BYTES = 1 << 20;

  /** Sleeping, which tests replace. */
  interface Waiting {
    void sleep(Duration duration) throws InterruptedException;
  }

  private final Waiting waiting;
  private final String what;
  private final int allowed;
  private int failures;

  /**
   * @param what is being asked for, for messages
   * @param allowed failures in a row, after the first, that are followed by another attempt
   */
  Retries(Waiting waiting, String what, int allowed) {
    this.waiting = waiting;
    this.what = what;
    this.allowed = allowed;
  }

  /** Notes that an attempt brought so many bytes before it failed. */
  void received(long bytes) {
    if (bytes >= PROGRESS_BYTES) {
      failures = 0;
    }
  }

  /** Waits before the next attempt, or gives up with the failure's message. */
  void await(TransientFailure failure) throws HubException, InterruptedException {
    if (failures >= (failure.isStubborn() ? Math.min(1, allowed) : allowed)) {
      throw HubException.unavailable(
          what
              + ": "
              + IoErrors.message(failure)
              + (failures > 0 ? ", " + (failures + 1) + " times in a row" : ""),
          failure);
    }
    Duration wait = failure.retryAfter();
    if (wait == null) {
      wait = Duration.ofSeconds(1L << failures);
    }
    if (wait.compareTo(MAX_WAIT) > 0) {
      wait = MAX_WAIT;
    }
    failures++;
    logger.info("{}: {}; trying again in {} s", what, IoErrors.message(failure), wait.toSeconds());
    waiting.sleep(wait);
  }

  /**
   * The wait that a {@code Retry-After} header asks for, as seconds or as a date.
   *
   * @return null if it cannot be understood
   */
  static Duration retryAfter(String header, Instant now) {
    try {
      if (header.matches("[0-9]{1,9}")) {
        return Duration.ofSeconds(Long.parseLong(header));
      }
      Instant then = ZonedDateTime.parse(header, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      return then.isBefore(now) ? Duration.ZERO : Duration.between(now, then);
    } catch (DateTimeParseException e) {
      return null;
    }
  }
}
