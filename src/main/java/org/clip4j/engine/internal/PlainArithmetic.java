package org.clip4j.engine.internal;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Computes without any kernel that needs a proof, to tell whether a kernel is at fault for what
 * came out of a computation.
 */
public final class PlainArithmetic {
  private static final ThreadLocal<Boolean> ASKED = ThreadLocal.withInitial(() -> false);

  private PlainArithmetic() {}

  /** Computes in float32 by PyTorch's own arithmetic alone, as far as the calling thread does. */
  public static <T extends @Nullable Object> T only(Supplier<T> work) {
    ASKED.set(true);
    try {
      return work.get();
    } finally {
      ASKED.remove();
    }
  }

  /** Whether the calling thread is asked to. */
  public static boolean isAsked() {
    return ASKED.get();
  }
}
