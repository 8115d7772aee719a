package org.clip4j.examples.app.terminal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C as a wish to stop: a command that can be taken up again ends at a good place, and says
 * how, before the process does.
 */
public final class Stop {
  private static final CountDownLatch ENDED = new CountDownLatch(1);
  private static volatile boolean held;
  private static volatile boolean requested;

  /** What was stopped, in words, with how it goes on. */
  public static final class StoppedException extends RuntimeException {
    public StoppedException(String message) {
      super(message);
    }
  }

  private Stop() {}

  /** From now on Ctrl-C waits for the command's end. */
  public static synchronized void hold() {
    if (!held) {
      held = true;
      Runtime.getRuntime().addShutdownHook(new Thread(Stop::await, "stop"));
    }
  }

  private static void await() {
    requested = true;
    try {
      while (held && !ENDED.await(50, TimeUnit.MILLISECONDS)) {
        // until the command ends, or has nothing more to save
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** From now on Ctrl-C ends the process at once. */
  public static void release() {
    held = false;
  }

  /** Whether Ctrl-C was pressed. */
  public static boolean isRequested() {
    return requested;
  }

  /** The command has ended. */
  public static void ended() {
    ENDED.countDown();
  }
}
