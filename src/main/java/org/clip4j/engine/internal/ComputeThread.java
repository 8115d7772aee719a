package org.clip4j.engine.internal;

import ai.djl.Device;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.Uninterrupted;
import org.jspecify.annotations.Nullable;

/**
 * The one thread on which all models on the CPU that threads share compute, in the order in which
 * they ask.
 *
 * <p>PyTorch gives every thread that calls it a team of its own, as large as there are cores. A
 * hundred callers, or ten models, would keep as many teams, take turns on the same cores, and hold
 * as many sets of activations; one at a time is faster for all, and takes the memory of one.
 */
public final class ComputeThread implements AutoCloseable {
  /** On such a thread itself: which one it is. */
  private static final ThreadLocal<ExecutorService> CURRENT = new ThreadLocal<>();

  private static @Nullable ExecutorService shared;
  private static int users;

  private final ExecutorService thread;
  private volatile boolean closed;

  private ComputeThread(ExecutorService thread) {
    this.thread = thread;
  }

  /**
   * Makes a use of the one thread, which ends with the last of them; of a thread of its own for
   * what is not computed by this machine's cores.
   */
  public static ComputeThread of(Device device) {
    if (device.isGpu()) {
      return alone();
    }
    synchronized (ComputeThread.class) {
      if (shared == null) {
        shared = newThread();
      }
      users++;
      return new ComputeThread(shared);
    }
  }

  /** Makes a thread for what is to leave no team behind, and must not keep others waiting. */
  public static ComputeThread alone() {
    return new ComputeThread(newThread());
  }

  private static ExecutorService newThread() {
    return Executors.newSingleThreadExecutor(DaemonThreads.named("clip4j-compute"));
  }

  /**
   * Computes something and waits for it, uninterruptedly, since the arrays that it works on are the
   * caller's; an interrupt is kept for afterwards. Work that asks this for more has it done at
   * once.
   *
   * @throws RuntimeException what {@code work} throws
   */
  public <T extends @Nullable Object> T call(Supplier<T> work) {
    if (closed) {
      throw new IllegalStateException("this is closed, and nothing is computed any more");
    }
    if (CURRENT.get() == thread) {
      return work.get();
    }
    Future<T> future =
        thread.submit(
            () -> {
              CURRENT.set(thread);
              return work.get();
            });
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

  /** Ends the thread after what it has been given so far, if none else uses it. */
  @Override
  public void close() {
    synchronized (ComputeThread.class) {
      if (!closed) {
        closed = true;
        if (thread != shared) {
          thread.shutdown();
        } else if (--users == 0) {
          thread.shutdown();
          shared = null;
        }
      }
    }
  }
}
