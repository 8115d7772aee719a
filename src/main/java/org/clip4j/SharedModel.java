package org.clip4j;

import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.clip4j.encode.Encoder;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipModel;
import org.clip4j.text.Tokenizer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts the calls to a model that threads share, and frees and closes it between calls only. */
final class SharedModel implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SharedModel.class);

  private volatile ClipModel model;
  private volatile @Nullable Encoder encoder; // null while the model is freed
  private final @Nullable Tokenizer tokenizer;
  private final @Nullable IdleModel idle; // null where it is not freed
  private final ReentrantReadWriteLock calls = new ReentrantReadWriteLock(true);
  private boolean closed;

  /**
   * Takes what {@link #close} closes.
   *
   * @param idle null to keep the model
   */
  SharedModel(
      ClipModel model, Encoder encoder, @Nullable Tokenizer tokenizer, @Nullable IdleModel idle) {
    this.model = model;
    this.encoder = encoder;
    this.tokenizer = tokenizer;
    this.idle = idle;
    if (idle != null) {
      idle.start(this::freeIfIdle);
    }
  }

  /** Returns the model, freed or not; what uses its memory does so within {@link #call}. */
  ClipModel model() {
    return model;
  }

  /** Returns the encoder, within {@link #call}. */
  Encoder encoder() {
    return Objects.requireNonNull(encoder);
  }

  boolean isFreedWhenIdle() {
    return idle != null;
  }

  int callsInFlight() {
    return calls.getReadLockCount();
  }

  /** Runs a call, while which the model is there and this is not closed. */
  <T extends @Nullable Object> T call(IoErrors.Work<T> work) {
    calls.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException(
            "this Clip has been closed; close it only when no thread will call it any more");
      }
      if (encoder == null) {
        loadAgain();
      }
      return work.run();
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    } finally {
      if (idle != null) {
        idle.used();
      }
      calls.readLock().unlock();
    }
  }

  /** Called with the lock of a call, which is given up meanwhile; no call is under way then. */
  private void loadAgain() throws IOException {
    calls.readLock().unlock();
    calls.writeLock().lock();
    try {
      if (encoder == null && !closed) {
        IdleModel.Loaded loaded = Objects.requireNonNull(idle).loading().run();
        model = loaded.model();
        encoder = loaded.encoder();
        idle.used();
      }
    } finally {
      calls.readLock().lock();
      calls.writeLock().unlock();
    }
    if (closed) {
      throw new IllegalStateException("this Clip was closed while it was loaded again");
    }
  }

  /** Frees the model if it has not been used for the time, unless a call is under way. */
  void freeIfIdle() {
    if (Objects.requireNonNull(idle).isOver() && calls.writeLock().tryLock()) {
      try {
        if (encoder != null && !closed && idle.isOver()) {
          encoder.close();
          model.close();
          encoder = null;
          HostMemory.trim();
          LOG.debug("The model was freed, since it was not used");
        }
      } finally {
        calls.writeLock().unlock();
      }
    }
  }

  /** Waits for calls in flight, and closes all; closing again does nothing. */
  @Override
  public void close() {
    if (calls.getReadHoldCount() > 0) {
      throw new IllegalStateException("a Clip cannot be closed from within one of its calls");
    }
    calls.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        if (idle != null) {
          idle.close();
        }
        if (encoder != null) {
          encoder.close();
          model.close();
        }
        if (tokenizer != null) {
          tokenizer.close();
        }
      }
    } finally {
      calls.writeLock().unlock();
    }
  }
}
