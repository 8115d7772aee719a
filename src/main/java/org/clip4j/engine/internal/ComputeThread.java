package org.clip4j.engine.internal;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.Uninterrupted;
import org.jspecify.annotations.Nullable;

/**
 * The one thread on which a model that many threads share computes, in the order in which they ask.
 *
 * <p>PyTorch gives every thread that calls it a team of its own, as large as there are cores. A
 * hundred callers would keep a hundred teams, take turns on the same cores, and hold a hundred sets
 * of activations; one at a time is faster for all, and takes the memory of one.
 */
public final class ComputeThread implements AutoCloseable {
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(DaemonThreads.named("clip4j-compute"));

  /**
   * Computes something and waits for it, uninterruptedly, since the arrays that it works on are the
   * caller's; an interrupt is kept for afterwards.
   *
   * @throws RuntimeException what {@code work} throws
   */
  public <T extends @Nullable Object> T call(Supplier<T> work) {
    Future<T> future = thread.submit(work::get);
    try {
      return Uninterrupted.await(future::get);
    } catch (ExecutionException e) {
      throw rethrown(e.getCause());
    }
  }

  /** With the caller's stack added to it, which the other thread does not know. */
  private static RuntimeException rethrown(Throwable cause) {
    cause.addSuppressed(new Exception("called from here"));
    if (cause instanceof Error error) {
      throw error;
    }
    return (RuntimeException) cause;
  }

  /** Ends the thread after what it has been given so far. */
  @Override
  public void close() {
    thread.shutdown();
  }
}
