package org.clip4j.search;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Limits;

/**
 * Embeds many sources into an {@link EmbeddingWriter}: threads read ahead while the model encodes,
 * in batches that depend on the sources and the writer alone, so that a run that was interrupted
 * gives the same.
 *
 * @param <T> what a source is read as, for example an image's levels
 */
public final class EmbeddingRun<T> {
  private final EmbeddingWriter writer;
  private final Reader<T> reader;
  private final Model<T> model;
  private final int batchSize;
  private final int threads;
  private final AtomicLong readNanos = new AtomicLong();
  private long waitNanos;
  private String firstReason;

  /** Reads a source; several threads do at a time. */
  @FunctionalInterface
  public interface Reader<T> {
    /**
     * Reads a source.
     *
     * @throws IOException if the source is damaged: it is skipped
     */
    T read(int source) throws IOException;
  }

  /** Encodes what was read, as an encoder's method does. */
  @FunctionalInterface
  public interface Model<T> {
    /** Encodes a batch: one embedding for each, in order. */
    float[][] encode(List<T> batch);
  }

  /** Receives how far the run is, after each batch, on the thread that runs it. */
  @FunctionalInterface
  public interface Listener {
    /**
     * Receives how far the run is.
     *
     * @param sources that are behind it, those of earlier runs included
     * @param skipped of them
     */
    void progress(int sources, int skipped);
  }

  /**
   * Says what a run did.
   *
   * @param embedded rows that it added
   * @param skipped sources that it skipped
   * @param seconds that it took
   * @param modelIdle share of the time in which the model waited for sources to be read
   * @param readersIdle share of the reading threads' time in which they waited for the model
   */
  public record Result(
      int embedded, int skipped, double seconds, double modelIdle, double readersIdle) {

    /** Returns how many rows were added in a second. */
    public double perSecond() {
      return embedded / Math.max(seconds, 1e-9);
    }

    /** Returns whether reading held the model up more than the model held up reading. */
    public boolean isReadingTheBottleneck() {
      return modelIdle > readersIdle;
    }
  }

  private record Loaded<T>(int source, T content, IOException damage) {}

  /**
   * Makes a run, which is not started.
   *
   * @param batchSize sources that the model encodes at once
   * @param threads that read
   */
  public EmbeddingRun(
      EmbeddingWriter writer, Reader<T> reader, Model<T> model, int batchSize, int threads) {
    this.writer = writer;
    this.reader = reader;
    this.model = model;
    this.batchSize = Limits.atLeast("the batch size", 1, batchSize);
    this.threads = Limits.atLeast("the number of threads", 1, threads);
  }

  /**
   * Runs to the end. The writer goes on where it stopped; it is not closed.
   *
   * @param count of sources
   * @param names of the source with a number, one for each of the writer's columns
   * @throws IOException if the writer fails, or no source at all can be read
   */
  public Result run(int count, IntFunction<List<String>> names, Listener listener)
      throws IOException {
    int next = writer.resume(count, names);
    int rowsBefore = writer.rows();
    int skippedBefore = writer.skipped();
    long start = System.nanoTime();
    ExecutorService pool =
        Executors.newFixedThreadPool(threads, DaemonThreads.named("clip4j-read"));
    try {
      Deque<Future<Loaded<T>>> ahead = new ArrayDeque<>();
      List<Loaded<T>> batch = new ArrayList<>();
      int limit = Math.min(batchSize, writer.rowsLeftInShard());
      List<Loaded<T>> turn = new ArrayList<>(); // the batch with what is skipped between its rows
      while (next < count || !ahead.isEmpty()) {
        while (next < count && ahead.size() < 2 * batchSize + threads) {
          int source = next++;
          ahead.add(pool.submit(() -> load(source)));
        }
        Loaded<T> loaded = await(ahead.remove());
        turn.add(loaded);
        if (loaded.damage == null) {
          batch.add(loaded);
        }
        if (batch.size() == limit) {
          write(batch, turn, names);
          listener.progress(writer.sources(), writer.skipped());
          limit = Math.min(batchSize, writer.rowsLeftInShard());
        }
      }
      write(batch, turn, names);
      listener.progress(writer.sources(), writer.skipped());
    } finally {
      pool.shutdownNow();
    }
    if (writer.rows() == 0 && count > 0) {
      throw new IOException(
          "none of the " + count + " sources could be read; the first reason: " + firstReason);
    }
    writer.finish();
    long nanos = System.nanoTime() - start;
    return new Result(
        writer.rows() - rowsBefore,
        writer.skipped() - skippedBefore,
        nanos / 1e9,
        share(waitNanos, nanos),
        1 - share(readNanos.get(), nanos * threads));
  }

  private static double share(long part, long whole) {
    return Math.min(1, part / (double) Math.max(1, whole));
  }

  private Loaded<T> load(int source) {
    long start = System.nanoTime();
    try {
      return new Loaded<>(source, reader.read(source), null);
    } catch (IOException e) {
      return new Loaded<>(source, null, e);
    } catch (OutOfMemoryError | StackOverflowError e) { // that source's, not the run's
      return new Loaded<>(source, null, new IOException("it cannot be read: " + e, e));
    } finally {
      readNanos.addAndGet(System.nanoTime() - start);
    }
  }

  private Loaded<T> await(Future<Loaded<T>> future) throws IOException {
    long start = System.nanoTime();
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the thread was interrupted; a later run goes on from here", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException("reading a source failed: " + e.getCause(), e.getCause());
    } finally {
      waitNanos += System.nanoTime() - start;
    }
  }

  /** Encodes the batch and writes its rows, and what is skipped between them, in order. */
  private void write(List<Loaded<T>> batch, List<Loaded<T>> turn, IntFunction<List<String>> names)
      throws IOException {
    float[][] encoded =
        batch.isEmpty()
            ? new float[0][]
            : model.encode(batch.stream().map(Loaded::content).toList());
    int row = 0;
    for (Loaded<T> loaded : turn) {
      List<String> name = names.apply(loaded.source);
      if (loaded.damage == null) {
        writer.add(encoded[row++], name);
      } else {
        String reason = IoErrors.message(loaded.damage);
        firstReason = firstReason == null ? reason : firstReason;
        writer.skip(name, reason);
      }
    }
    batch.clear();
    turn.clear();
  }
}
