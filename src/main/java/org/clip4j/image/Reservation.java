package org.clip4j.image;

import java.util.concurrent.Semaphore;

/**
 * What one image takes of the memory for decoding, which is three quarters of the heap for all
 * threads together: large images wait for each other instead of failing each other.
 */
final class Reservation implements AutoCloseable {
  private static final int MIB = 20;

  /** In MiB. */
  static final int ALL = (int) Math.max(1, (Runtime.getRuntime().maxMemory() >> MIB) * 3 / 4);

  private static final Semaphore LEFT = new Semaphore(ALL, true);

  private int held;

  /** Waits until there is that much, unless there never will be. */
  boolean take(long bytes) {
    long needed = bytes >> MIB;
    if (needed > ALL) {
      return false;
    }
    if (needed > held) {
      close(); // who waits holds nothing, so that nobody waits for ever
      LEFT.acquireUninterruptibly((int) needed);
      held = (int) needed;
    }
    return true;
  }

  @Override
  public void close() {
    LEFT.release(held);
    held = 0;
  }
}
