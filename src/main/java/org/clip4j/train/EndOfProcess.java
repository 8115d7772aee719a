package org.clip4j.train;

import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.clip4j.engine.internal.LastCall;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a training in order when the process is ended amid it, by a signal or {@link System#exit}:
 * it is cancelled, and the process waits until it has saved what it saves, and ends only once no
 * thread is in native code. Closed on the training thread, when the training has ended.
 */
final class EndOfProcess implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EndOfProcess.class);

  /** For the step or the evaluation under way, and the last checkpoint. */
  private static final Duration BOUND = Duration.ofMinutes(10);

  /** For a single call into native code. */
  private static final Duration CALL_BOUND = Duration.ofMinutes(1);

  private static final Set<EndOfProcess> TRAININGS = ConcurrentHashMap.newKeySet();

  private final Thread training = Thread.currentThread();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Runnable cancel;
  private final Thread hook = new Thread(this::end, "clip4j-end");

  /**
   * Watches over a training on the calling thread.
   *
   * @param cancel asks it to end after the step under way
   * @throws IllegalStateException if the process is ending already
   */
  EndOfProcess(Runnable cancel) {
    this.cancel = cancel;
    Runtime.getRuntime().addShutdownHook(hook);
    TRAININGS.add(this);
  }

  private void end() {
    cancel.run();
    LOG.info("The process is ending: the training stops after the step under way");
    long deadline = System.nanoTime() + BOUND.toNanos();
    boolean allEnded = true;
    try {
      for (EndOfProcess each : TRAININGS) { // none may find native code closed by another's end
        allEnded &= each.await(deadline);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!LastCall.close(CALL_BOUND) || !allEnded) {
      LOG.warn("The training did not stop in time; its last steps are lost");
    }
  }

  private boolean await(long deadline) throws InterruptedException {
    while (!isEndingProcess() && !ended.await(50, TimeUnit.MILLISECONDS)) {
      if (System.nanoTime() > deadline) {
        return false;
      }
    }
    return true;
  }

  /** Whether the training's own thread, in a listener, ends the process, and waits for its end. */
  private boolean isEndingProcess() {
    return Arrays.stream(training.getStackTrace())
        .anyMatch(frame -> frame.getClassName().equals("java.lang.Shutdown"));
  }

  @Override
  public void close() {
    TRAININGS.remove(this);
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // it is running
    }
  }
}
