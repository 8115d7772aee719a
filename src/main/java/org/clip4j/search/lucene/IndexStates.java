package org.clip4j.search.lucene;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.store.Directory;
import org.clip4j.io.IoErrors;

/**
 * Gives searches the state of an index, a new one when what was written since makes it necessary,
 * and sees to it that the files behind it are whole before and after.
 */
final class IndexStates implements AutoCloseable {
  /** Terms that may be pending: some 50 MB. */
  private static final int MOST_PENDING = 1 << 18;

  /** What was written since the last refresh. */
  final PendingKeys pending = new PendingKeys();

  private final Path folder;
  private final Directory directory;
  private final boolean readOnly;
  private final long refreshNanos;
  private final Set<String> whole; // files, guarded by refreshLock
  private final Object refreshLock = new Object();
  private final SearcherManager searchers;
  private volatile long refreshed = System.nanoTime();
  private volatile boolean closed;

  /**
   * Makes the first state.
   *
   * @param fields learn of those that each state has
   * @param whole files that are known to be whole
   * @param writer null for an index that is read only
   */
  IndexStates(
      Path folder,
      Directory directory,
      IndexFields fields,
      Set<String> whole,
      Duration refreshInterval,
      IndexWriter writer)
      throws IOException {
    this.folder = folder;
    this.directory = directory;
    this.whole = whole;
    readOnly = writer == null;
    refreshNanos = refreshInterval.toNanos();
    SearcherFactory factory =
        new SearcherFactory() {
          @Override
          public IndexSearcher newSearcher(IndexReader reader, IndexReader previous)
              throws IOException {
            fields.learn(reader);
            return new CheckedSearcher(reader, folder);
          }
        };
    searchers =
        readOnly ? new SearcherManager(directory, factory) : new SearcherManager(writer, factory);
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the index is closed");
    }
  }

  /** Makes a new state. */
  void refresh() throws IOException {
    requireOpen();
    synchronized (refreshLock) {
      if (readOnly) {
        IndexFiles.check(folder, directory, whole);
      }
      refreshed = System.nanoTime();
      pending.begin();
      searchers.maybeRefreshBlocking();
      pending.end();
    }
  }

  /** Makes a new state if many writes are pending. */
  void refreshIfMany() throws IOException {
    if (pending.size() > MOST_PENDING) {
      refresh();
    }
  }

  /** What is done with a state of the index. */
  @FunctionalInterface
  interface Reading<T> {
    T of(CheckedSearcher searcher) throws IOException;
  }

  /** Reads a state that is no older than it may be. */
  <T> T read(Reading<T> reading) throws IOException {
    requireOpen();
    if (!pending.isEmpty() && System.nanoTime() - refreshed >= refreshNanos) {
      synchronized (refreshLock) {
        if (!pending.isEmpty()) { // else another thread did
          refresh();
        }
      }
    }
    return readAsIs(reading);
  }

  /** Reads the present state, without a refresh. */
  <T> T readAsIs(Reading<T> reading) throws IOException {
    CheckedSearcher searcher = (CheckedSearcher) searchers.acquire();
    try {
      searcher.requireWhole();
      T result = reading.of(searcher);
      searcher.requireWhole();
      return result;
    } catch (IOException | InternalError e) {
      searcher.requireWhole(); // says it better
      throw new IOException(folder + " cannot be read: " + IoErrors.message(e), e);
    } catch (RuntimeException e) {
      searcher.requireWhole(); // may be what is behind it
      throw e;
    } finally {
      searchers.release(searcher);
    }
  }

  /** Refuses all from now on, after a refresh under way. Whether it did not before. */
  boolean end() {
    synchronized (refreshLock) {
      boolean first = !closed;
      closed = true;
      return first;
    }
  }

  /** Gives the last state up, after {@link #end}. */
  @Override
  public void close() throws IOException {
    searchers.close();
  }
}
