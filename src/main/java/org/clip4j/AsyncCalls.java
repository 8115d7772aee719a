package org.clip4j;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The threads of asynchronous calls, which end when there is nothing to do. */
final class AsyncCalls {

  /** Calls that wait for a thread, of all models together. */
  static final int WAITING = 64;

  /** As many as there are cores: they decode, and wait for the one thread that computes. */
  static final ThreadPoolExecutor THREADS = threads();

  private AsyncCalls() {}

  private static ThreadPoolExecutor threads() {
    int cores = Runtime.getRuntime().availableProcessors();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            cores,
            cores,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            task -> {
              Thread thread = new Thread(task, "clip4j-async");
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.CallerRunsPolicy());
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }
}
