package org.clip4j.weights.tensors;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reports that a checkpoint's files are damaged, disagree with each other, or describe a model that
 * this library does not know. The message names the file, the value and the way out.
 */
public final class CheckpointException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Makes an exception whose message names the file, the value and the way out. */
  public CheckpointException(String message) {
    super(message);
  }

  /** Makes an exception as {@link #CheckpointException(String)} does, with its cause. */
  public CheckpointException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
