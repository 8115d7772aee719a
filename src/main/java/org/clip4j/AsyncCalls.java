package org.clip4j;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import org.clip4j.io.DaemonThreads;

/** The threads of asynchronous calls, which end when there is nothing to do. */
final class AsyncCalls {

  /** Calls that wait for a thread, of all models together. */
  static final int WAITING = 64;

  /** As many as there are cores: they decode, and wait for the one thread that computes. */
  static final ThreadPoolExecutor THREADS =
      DaemonThreads.pool(
          "clip4j-async",
          new ArrayBlockingQueue<>(WAITING),
          new ThreadPoolExecutor.CallerRunsPolicy());

  private AsyncCalls() {}
}
