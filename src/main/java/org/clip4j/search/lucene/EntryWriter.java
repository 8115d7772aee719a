package org.clip4j.search.lucene;

import java.io.IOException;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field.Store;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.SortedDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.BytesRef;
import org.clip4j.io.DaemonThreads;
import org.clip4j.io.Uninterrupted;

/**
 * Writes entries so that of those with the same vector exactly one keeps it ({@link
 * CheckedSearcher}), whatever several threads do, and in every commit.
 *
 * <p>Locks are stripes: one for the id, then those of the vectors that the entry has and had, in
 * order. An entry's vector changes under its id's lock, who keeps a vector under the vector's.
 */
final class EntryWriter implements AutoCloseable {
  /** What is expected of the index. */
  enum Mode {
    ADD,
    UPDATE,
    PUT
  }

  private static final int STRIPES = 1024;

  private final IndexWriter writer;
  private final IndexFields fields;
  private final PendingKeys pending;
  private final IndexStates states;
  private final int threads;
  private final ReentrantLock[] idLocks = locks();
  private final ReentrantLock[] vectorLocks = locks();
  private ExecutorService pool; // guarded by this

  /** Where an entry is now. */
  private record Place(BytesRef key, boolean keeps) {}

  EntryWriter(IndexWriter writer, IndexFields fields, IndexStates states, int threads) {
    this.writer = writer;
    this.fields = fields;
    this.states = states;
    pending = states.pending;
    this.threads = threads;
  }

  private static ReentrantLock[] locks() {
    ReentrantLock[] locks = new ReentrantLock[STRIPES];
    for (int i = 0; i < STRIPES; i++) {
      locks[i] = new ReentrantLock();
    }
    return locks;
  }

  /** Writes checked entries; none if an id is not as expected. */
  void write(Collection<IndexEntry> entries, Mode mode) throws IOException {
    Set<String> ids = new HashSet<>();
    for (IndexEntry entry : entries) {
      if (!ids.add(entry.id())) {
        throw new IllegalArgumentException("the id \"" + entry.id() + "\" is there twice");
      }
      require(mode, entry.id(), isPresent(id(entry.id())));
    }
    if (threads == 1 || entries.size() < 2 * threads) {
      for (IndexEntry entry : entries) {
        write(entry, mode);
      }
      return;
    }
    Iterator<IndexEntry> left = entries.iterator();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Runnable task =
        () -> {
          try {
            for (IndexEntry entry = next(left, failure);
                entry != null;
                entry = next(left, failure)) {
              write(entry, mode);
            }
          } catch (IOException | RuntimeException | Error e) {
            failure.compareAndSet(null, e);
          }
        };
    CompletableFuture<?>[] tasks = new CompletableFuture<?>[threads];
    Arrays.setAll(tasks, i -> CompletableFuture.runAsync(task, pool()));
    // Not broken off by an interrupt: an interrupted write closes the index.
    CompletableFuture.allOf(tasks).join();
    if (failure.get() instanceof IOException e) {
      throw e;
    } else if (failure.get() instanceof RuntimeException e) {
      throw e;
    } else if (failure.get() instanceof Error e) {
      throw e;
    }
  }

  private static IndexEntry next(Iterator<IndexEntry> left, AtomicReference<Throwable> failure) {
    synchronized (left) {
      return failure.get() == null && left.hasNext() ? left.next() : null;
    }
  }

  private synchronized ExecutorService pool() {
    if (pool == null) {
      pool = Executors.newFixedThreadPool(threads, DaemonThreads.named("clip4j-index"));
    }
    return pool;
  }

  private static void require(Mode mode, String id, boolean present) {
    if (mode == Mode.ADD && present) {
      throw new IllegalArgumentException(
          "there is an entry \"" + id + "\" already; update or putAll replaces it");
    }
    if (mode == Mode.UPDATE && !present) {
      throw new IllegalArgumentException("there is no entry \"" + id + "\"; add or putAll adds it");
    }
  }

  private static Term id(String id) {
    return new Term(CheckedSearcher.ID, id);
  }

  private static Term kept(BytesRef key) {
    return new Term(CheckedSearcher.KEPT, key);
  }

  private static Term copy(BytesRef key) {
    return new Term(CheckedSearcher.COPY, key);
  }

  private boolean isPresent(Term term) throws IOException {
    Boolean known = pending.get(term);
    return known != null ? known : states.readAsIs(searcher -> searcher.has(term));
  }

  /** Makes a reader that knows of a term what is written of it. */
  private void settle(Term term) throws IOException {
    if (pending.get(term) != null) {
      states.refresh();
    }
  }

  private static ReentrantLock of(ReentrantLock[] locks, Object key) {
    return locks[Math.floorMod(key.hashCode(), STRIPES)];
  }

  private Place place(String id) throws IOException {
    if (!isPresent(id(id))) {
      return null;
    }
    settle(id(id));
    return states.readAsIs(
        searcher -> {
          int doc = searcher.first(id(id));
          BytesRef key = searcher.key(CheckedSearcher.KEPT, doc);
          return key != null
              ? new Place(key, true)
              : new Place(searcher.key(CheckedSearcher.COPY, doc), false);
        });
  }

  private interface Change<T> {
    T to(Place place) throws IOException;
  }

  /** Changes an entry under its locks. */
  private <T> T change(String id, BytesRef newKey, Change<T> change) throws IOException {
    ReentrantLock idLock = of(idLocks, id);
    idLock.lock();
    try {
      Place before = place(id);
      BytesRef oldKey = before == null ? newKey : before.key;
      BytesRef other = newKey == null ? oldKey : newKey;
      if (oldKey == null) {
        return change.to(null);
      }
      boolean inOrder =
          Math.floorMod(oldKey.hashCode(), STRIPES) <= Math.floorMod(other.hashCode(), STRIPES);
      ReentrantLock first = of(vectorLocks, inOrder ? oldKey : other);
      ReentrantLock second = of(vectorLocks, inOrder ? other : oldKey);
      first.lock();
      second.lock();
      try {
        // Who keeps the vector may have changed until it was locked.
        return change.to(before == null ? null : place(id));
      } finally {
        second.unlock();
        first.unlock();
      }
    } finally {
      idLock.unlock();
      states.refreshIfMany();
    }
  }

  private void write(IndexEntry entry, Mode mode) throws IOException {
    BytesRef key = VectorKey.of(entry.vector());
    change(
        entry.id(),
        key,
        place -> {
          require(mode, entry.id(), place != null);
          boolean same = place != null && place.key.equals(key);
          if (place != null && !same) {
            release(entry.id(), place, Set.of());
          }
          boolean keeps = same ? place.keeps : !isPresent(kept(key));
          Document document = document(entry, key, keeps);
          if (place == null) {
            writer.addDocument(document);
          } else {
            writer.updateDocument(id(entry.id()), document);
          }
          pending.put(id(entry.id()), true);
          pending.put(keeps ? kept(key) : copy(key), true);
          return null;
        });
  }

  /** Removes entries that are there, and counts them. */
  int remove(Collection<String> ids) throws IOException {
    Set<String> all = new HashSet<>(ids);
    int removed = 0;
    for (String id : ids) {
      removed +=
          change(
              id,
              null,
              place -> {
                if (place == null) {
                  return 0;
                }
                release(id, place, all);
                writer.deleteDocuments(id(id));
                pending.put(id(id), false);
                return 1;
              });
    }
    return removed;
  }

  /**
   * Prepares that an entry loses its vector: if it kept it, another that has it keeps it first, so
   * that no commit between finds nobody.
   *
   * @param unsuited ids that should not keep it, since they are removed next
   */
  private void release(String id, Place place, Set<String> unsuited) throws IOException {
    if (!place.keeps) {
      pending.put(copy(place.key), true); // what the reader says of copies is settled before use
      return;
    }
    settle(copy(place.key));
    IndexEntry heir =
        states.readAsIs(
            searcher -> {
              int found = -1;
              if (searcher.hasCopies()) {
                for (int doc : searcher.all(new TermQuery(copy(place.key)), Integer.MAX_VALUE)) {
                  found = doc;
                  String other = IndexFields.stored(searcher.reader(), doc).get(CheckedSearcher.ID);
                  if (!unsuited.contains(other)) {
                    break;
                  }
                }
              }
              return found < 0 ? null : searcher.entry(found);
            });
    if (heir == null) {
      pending.put(kept(place.key), false);
      return;
    }
    writer.updateDocument(id(heir.id()), document(heir, place.key, true));
    pending.put(id(heir.id()), true);
    pending.put(kept(place.key), true);
    pending.put(copy(place.key), true);
  }

  private Document document(IndexEntry entry, BytesRef key, boolean keeps) {
    Document document = new Document();
    document.add(new StringField(CheckedSearcher.ID, entry.id(), Store.YES));
    String kind = keeps ? CheckedSearcher.KEPT : CheckedSearcher.COPY;
    document.add(new StringField(kind, key, Store.NO));
    document.add(new SortedDocValuesField(kind, key));
    if (keeps) {
      document.add(
          new KnnFloatVectorField(
              CheckedSearcher.VECTOR, entry.vector(), VectorSimilarityFunction.DOT_PRODUCT));
    }
    fields.write(entry, document);
    return document;
  }

  /** Ends its threads. */
  @Override
  public synchronized void close() {
    if (pool == null) {
      return;
    }
    pool.shutdown();
    Uninterrupted.await(() -> pool.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS));
  }
}
