package org.clip4j.testing;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/**
 * What a hostile input may cost: a second of the thread's own time and 256 MB of what it allocates,
 * which bounds what it can hold. Neither depends on what else the machine does.
 */
public final class Bounds {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long MAX_NANOS = 1_000_000_000L;
  private static final long MAX_BYTES = 256L << 20;

  private Bounds() {}

  /** Code that may throw anything. */
  @FunctionalInterface
  public interface Action {
    /** Runs. */
    void run() throws Throwable;
  }

  /**
   * Runs code in this thread and fails if it takes more than the bounds.
   *
   * @return what the code threw; null if it returned
   */
  public static Throwable run(Action action) {
    Throwable thrown = null;
    long bytes = THREADS.getCurrentThreadAllocatedBytes();
    long nanos = THREADS.getCurrentThreadCpuTime();
    try {
      action.run();
    } catch (Throwable e) { // errors too: they are what is looked for
      thrown = e;
    }
    nanos = THREADS.getCurrentThreadCpuTime() - nanos;
    bytes = THREADS.getCurrentThreadAllocatedBytes() - bytes;
    if (nanos > MAX_NANOS || bytes > MAX_BYTES) {
      throw new AssertionError("took " + nanos / 1_000_000 + " ms, " + bytes + " bytes", thrown);
    }
    return thrown;
  }
}
