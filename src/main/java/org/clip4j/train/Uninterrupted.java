package org.clip4j.train;

import java.io.IOException;

/**
 * Runs on a thread of its own what must not be broken off half-way: an interrupt closes the file
 * that the interrupted thread is writing, and makes a whole one unreadable to it.
 */
final class Uninterrupted {
  private Uninterrupted() {}

  /** Reads or writes files. */
  @FunctionalInterface
  interface Action {
    void run() throws IOException;
  }

  /**
   * Runs the action and waits for its end; an interrupt meanwhile is noted, and takes no effect.
   */
  static void run(Action action) throws IOException {
    Throwable[] failure = new Throwable[1];
    Thread thread =
        new Thread(
            () -> {
              try {
                action.run();
              } catch (IOException | RuntimeException | Error e) {
                failure[0] = e;
              }
            },
            "clip4j-checkpoint");
    thread.start();
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure[0] instanceof IOException e) {
      throw e;
    } else if (failure[0] instanceof RuntimeException e) {
      throw e;
    } else if (failure[0] instanceof Error e) {
      throw e;
    }
  }
}
