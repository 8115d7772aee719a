package org.clip4j.data.internal.loader;

import java.io.IOException;
import java.util.ArrayDeque;
import org.clip4j.io.IoErrors;

/**
 * Hands batches from the thread that assembles them to the consumer, with room for so many, the one
 * being assembled included.
 */
final class BatchQueue {
  private final ArrayDeque<PairBatch> ready = new ArrayDeque<>();
  private final int depth;
  private Throwable failure;
  private long waitedNanos;
  private boolean closed;

  BatchQueue(int depth) {
    this.depth = depth;
  }

  /** Waits until another batch may be begun. */
  synchronized void awaitRoom() throws InterruptedException {
    while (ready.size() >= depth) {
      wait();
    }
  }

  synchronized void put(PairBatch batch) {
    ready.add(batch);
    notifyAll();
  }

  /** Nothing comes after the batches that are ready; then every take throws this. */
  synchronized void fail(Throwable failure) {
    this.failure = failure;
    notifyAll();
  }

  /** Drops what is ready; every take, also one that waits, throws from now on. */
  synchronized void close() {
    closed = true;
    ready.clear();
    notifyAll();
  }

  /** How long takers waited. */
  synchronized long waitedNanos() {
    return waitedNanos;
  }

  synchronized PairBatch take() throws IOException, InterruptedException {
    if (!closed && ready.isEmpty() && failure == null) {
      long start = System.nanoTime();
      try {
        do {
          wait();
        } while (!closed && ready.isEmpty() && failure == null);
      } finally {
        waitedNanos += System.nanoTime() - start;
      }
    }
    if (closed) {
      throw new IllegalStateException("the loader is closed");
    }
    PairBatch batch = ready.poll();
    if (batch != null) {
      notifyAll();
      return batch;
    }
    if (failure instanceof IOException e) {
      throw new IOException(IoErrors.message(e), e);
    }
    if (failure instanceof Error e) {
      throw e;
    }
    throw new IllegalStateException("loading failed: " + IoErrors.message(failure), failure);
  }
}
