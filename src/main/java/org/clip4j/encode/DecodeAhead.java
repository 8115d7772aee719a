package org.clip4j.encode;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.DaemonThreads;

/**
 * Images in batches, decoded and transformed on other threads while their user is busy with the
 * batches before. Holds a bounded number of them, however many there are.
 */
final class DecodeAhead implements AutoCloseable {

  /** Batches decoded or being decoded beyond the one that the user has. */
  private static final int AHEAD = 2;

  /** As many as there are cores, for all users together; they end when there is nothing to do. */
  private static final ThreadPoolExecutor THREADS =
      DaemonThreads.pool(
          "clip4j-decode", new LinkedBlockingQueue<>(), new ThreadPoolExecutor.AbortPolicy());

  /**
   * An image that has been asked for.
   *
   * @param levels what {@link #levels} waits for
   */
  record Pending(ImageSource source, Future<byte[]> levels) {

    /**
     * Waits.
     *
     * @return [3, H, W], uint8
     * @throws IOException if it cannot be read
     */
    byte[] await() throws IOException, InterruptedException {
      try {
        return levels.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof IOException io) {
          throw io;
        }
        if (e.getCause() instanceof Error error) {
          throw error;
        }
        throw (RuntimeException) e.getCause();
      }
    }
  }

  private final Iterator<? extends ImageSource> images;
  private final ImageTransform transform;
  private final int batch;
  private final Deque<List<Pending>> ahead = new ArrayDeque<>();

  DecodeAhead(Iterator<? extends ImageSource> images, ImageTransform transform, int batch) {
    this.images = images;
    this.transform = transform;
    this.batch = batch;
  }

  /** The next batch, perhaps still being decoded; empty at the end. */
  List<Pending> next() {
    while (ahead.size() <= AHEAD && images.hasNext()) {
      List<Pending> pending = new ArrayList<>(batch);
      while (pending.size() < batch && images.hasNext()) {
        ImageSource image = images.next();
        pending.add(new Pending(image, THREADS.submit(() -> levels(image))));
      }
      ahead.add(pending);
    }
    return ahead.isEmpty() ? List.of() : ahead.remove();
  }

  /** An error that one image brings about is that image's, not the run's. */
  private byte[] levels(ImageSource image) throws IOException {
    try {
      return transform.apply(image.read());
    } catch (OutOfMemoryError | StackOverflowError e) {
      throw new IOException(image.name() + " cannot be read: " + e, e);
    }
  }

  /** Gives up what has not been taken. */
  @Override
  public void close() {
    ahead.forEach(pending -> pending.forEach(image -> image.levels.cancel(false)));
  }
}
