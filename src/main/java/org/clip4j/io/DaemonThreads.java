package org.clip4j.io;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.RejectedExecutionHandler;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Makes threads that keep no process alive. */
public final class DaemonThreads {
  private DaemonThreads() {}

  /** Makes threads of one name. */
  public static ThreadFactory named(String name) {
    return task -> {
      Thread thread = new Thread(task, name);
      thread.setDaemon(true);
      return thread;
    };
  }

  /**
   * Makes a pool of as many threads as there are cores, which end when there is nothing to do.
   *
   * @param full does what the queue has no room for
   */
  public static ThreadPoolExecutor pool(
      String name, BlockingQueue<Runnable> queue, RejectedExecutionHandler full) {
    int cores = Runtime.getRuntime().availableProcessors();
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(cores, cores, 10, TimeUnit.SECONDS, queue, named(name), full);
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }
}
