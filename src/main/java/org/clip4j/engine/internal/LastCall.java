package org.clip4j.engine.internal;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Lets calls into native code through until the process ends. A process that ends destroys
 * libtorch's data while the thread of a long call still works on it, which is then a segmentation
 * fault.
 */
public final class LastCall {
  private static final ReentrantReadWriteLock CALLS = new ReentrantReadWriteLock();
  private static volatile boolean closed;

  private LastCall() {}

  /**
   * Makes a native call.
   *
   * @throws IllegalStateException if the process is ending
   */
  static <T> T admit(Supplier<T> call) {
    if (closed || !CALLS.readLock().tryLock()) {
      throw new IllegalStateException("the process is ending: nothing is computed any more");
    }
    try {
      return call.get();
    } finally {
      CALLS.readLock().unlock();
    }
  }

  /**
   * Admits no further call, for good, and waits for those under way; for shutdown hooks alone.
   *
   * @return whether all have ended within the bound
   */
  public static boolean close(Duration bound) {
    closed = true;
    try {
      return CALLS.writeLock().tryLock(bound.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
