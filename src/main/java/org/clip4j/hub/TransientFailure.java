package org.clip4j.hub;

import java.io.IOException;
import java.time.Duration;

/** A request that may well succeed when it is made again. */
final class TransientFailure extends IOException {
  private static final long serialVersionUID = 1L;

  private final Duration retryAfter; // null where the server does not say
  private final boolean stubborn;

  TransientFailure(String message) {
    this(message, null, null, false);
  }

  TransientFailure(String message, Throwable cause) {
    this(message, cause, null, false);
  }

  TransientFailure(String message, Duration retryAfter) {
    this(message, null, retryAfter, false);
  }

  private TransientFailure(String message, Throwable cause, Duration retryAfter, boolean stubborn) {
    super(message, cause);
    this.retryAfter = retryAfter;
    this.stubborn = stubborn;
  }

  /** One that hardly ever passes, and is tried once more only. */
  static TransientFailure stubborn(String message, Throwable cause) {
    return new TransientFailure(message, cause, null, true);
  }

  boolean isStubborn() {
    return stubborn;
  }

  Duration retryAfter() {
    return retryAfter;
  }
}
