package org.clip4j.io;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Runs on a thread of its own what must not be broken off half-way: an interrupt closes the file
 * that the interrupted thread is writing, and makes a whole one unreadable to it.
 */
public final class Uninterrupted {
  private Uninterrupted() {}

  /** Reads or writes files. */
  @FunctionalInterface
  public interface Action {
    public void run() throws IOException;
  }

  /** Reads files and gives what they say. */
  @FunctionalInterface
  public interface Source<T> {
    public T get() throws IOException;
  }

  /**
   * Runs the action and waits for its end; an interrupt meanwhile is noted, and takes no effect.
   */
  public static void run(Action action) throws IOException {
    get(
        () -> {
          action.run();
          return null;
        });
  }

  /** Gets the source's value, and waits for it in the same way. */
  public static <T> T get(Source<T> source) throws IOException {
    FutureTask<T> task = new FutureTask<>(source::get);
    new Thread(task, "clip4j-checkpoint").start();
    try {
      return await(task::get);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      } else if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw (RuntimeException) e.getCause();
    }
  }

  /** Waits for something that may be interrupted, or fail. */
  @FunctionalInterface
  public interface Waiting<T extends @Nullable Object, E extends Exception> {
    /** Waits. */
    T get() throws InterruptedException, E;
  }

  /** Waits to the end, however often it takes; an interrupt meanwhile is kept for afterwards. */
  public static <T extends @Nullable Object, E extends Exception> T await(Waiting<T, E> waiting)
      throws E {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return waiting.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
