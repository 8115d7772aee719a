package org.clip4j.hub;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow.Subscription;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The body of an answer as it arrives, a few buffers at a time. Unlike the JDK's stream, waiting
 * for the next bytes ends after a timeout, and when the thread is interrupted.
 */
final class BodyStream implements BodySubscriber<BodyStream>, AutoCloseable {
  private static final Object END = new Object();

  /** Bytes a second, over {@link #WINDOW} timeouts of waiting, below which a server is given up. */
  private static final long MIN_RATE = 1024;

  private static final int WINDOW = 3;

  private final Duration timeout;
  private long waitedNanos; // for the server, since the window began
  private long windowBytes;

  // Lists of buffers, an exception, or END. No more than one list is asked for at a time.
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private final Deque<ByteBuffer> buffers = new ArrayDeque<>();
  private Subscription subscription;
  private boolean closed;
  private boolean ended;

  BodyStream(Duration timeout) {
    this.timeout = timeout;
  }

  @Override
  public CompletionStage<BodyStream> getBody() {
    return CompletableFuture.completedFuture(this);
  }

  @Override
  public synchronized void onSubscribe(Subscription given) {
    if (closed || subscription != null) {
      given.cancel();
      return;
    }
    subscription = given;
    given.request(1);
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    arrived.add(item);
  }

  @Override
  public void onError(Throwable error) {
    arrived.add(error);
  }

  @Override
  public void onComplete() {
    arrived.add(END);
  }

  /**
   * The next bytes; null at the end.
   *
   * @throws TransientFailure if the connection breaks or nothing comes for too long
   */
  ByteBuffer next() throws TransientFailure, InterruptedException {
    while (buffers.isEmpty() && !ended) {
      long start = System.nanoTime();
      Object item = arrived.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
      waitedNanos += System.nanoTime() - start;
      if (item == null) {
        throw new TransientFailure(
            "the connection brought nothing for "
                + timeout.toMillis() / 1000.0
                + " s (HF_HUB_DOWNLOAD_TIMEOUT sets how long that may be)");
      }
      if (item instanceof Throwable error) {
        throw new TransientFailure("the connection broke: " + HubClient.reason(error), error);
      }
      if (item == END) {
        ended = true;
      } else {
        for (Object buffer : (List<?>) item) {
          buffers.add((ByteBuffer) buffer);
          windowBytes += ((ByteBuffer) buffer).remaining();
        }
        checkRate();
        synchronized (this) {
          subscription.request(1);
        }
      }
    }
    return buffers.poll();
  }

  private void checkRate() throws TransientFailure {
    long millis = WINDOW * timeout.toMillis();
    if (waitedNanos < millis * 1_000_000) {
      return;
    }
    if (windowBytes < MIN_RATE * millis / 1000) {
      throw TransientFailure.stubborn(
          String.format(
              Locale.ROOT,
              "the connection brought %d bytes in %.1f s, less than %d a second, and was given up"
                  + " (HF_HUB_DOWNLOAD_TIMEOUT sets a third of the time that it is watched)",
              windowBytes,
              waitedNanos / 1e9,
              MIN_RATE),
          null);
    }
    waitedNanos = 0;
    windowBytes = 0;
  }

  /** Reads all of a small body. */
  byte[] readAll(int limit, String what) throws IOException, InterruptedException {
    byte[] bytes = new byte[Math.min(limit, 1 << 16)];
    int length = 0;
    for (ByteBuffer next = next(); next != null; next = next()) {
      int count = next.remaining();
      if (count > limit - length) {
        throw new HubException(what + " has more than " + limit + " bytes, which is too much");
      }
      if (length + count > bytes.length) {
        bytes = Arrays.copyOf(bytes, Math.min(limit, Math.max(2 * length, length + count)));
      }
      next.get(bytes, length, count);
      length += count;
    }
    return Arrays.copyOf(bytes, length);
  }

  /** Drops what has not arrived yet, and with it the connection. */
  @Override
  public synchronized void close() {
    closed = true;
    if (subscription != null) {
      subscription.cancel();
    }
  }
}
