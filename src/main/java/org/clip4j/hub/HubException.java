package org.clip4j.hub;

import java.io.IOException;

/**
 * Reports that a model could not be had from the hub or its cache. The message names the model,
 * what is wrong and the way out; it never holds an access token.
 */
public final class HubException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean unavailable;

  private HubException(String message, Throwable cause, boolean unavailable) {
    super(message, cause);
    this.unavailable = unavailable;
  }

  HubException(String message) {
    this(message, null, false);
  }

  HubException(String message, Throwable cause) {
    this(message, cause, false);
  }

  /** The hub cannot be reached or refuses to answer; what is cached remains as good as it was. */
  static HubException unavailable(String message, Throwable cause) {
    return new HubException(message, cause, true);
  }

  boolean isUnavailable() {
    return unavailable;
  }
}
