package org.clip4j.hub;

import java.io.IOException;
import java.time.Duration;

/** A request that may well succeed when it is made again. */
final class TransientFailure extends IOException {
  private static final long serialVersionUID = 1L;

  private final Duration retryAfter; // null where the server does not say

  TransientFailure(String message) {
    this(message, (Throwable) null);
  }

  TransientFailure(String message, Throwable cause) {
    super(message, cause);
    retryAfter = null;
  }

  TransientFailure(String message, Duration retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }

  Duration retryAfter() {
    return retryAfter;
  }
}
