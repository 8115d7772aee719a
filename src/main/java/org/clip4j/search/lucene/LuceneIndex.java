package org.clip4j.search.lucene;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import org.apache.lucene.index.ConcurrentMergeScheduler;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Limits;
import org.clip4j.search.Embeddings;
import org.clip4j.search.internal.VectorCheck;

/**
 * Keeps embeddings under ids, with fields to filter by, in a folder of Apache Lucene's: entries are
 * added, replaced and removed while others search, and the most similar to a query are found by a
 * graph.
 *
 * <pre>{@code
 * try (LuceneIndex index = LuceneIndex.builder(folder).optDimensions(512).create()) {
 *   index.add(new IndexEntry("dog.jpg", clip.encodeImage(dog), Map.of("year", 2024)));
 *   index.commit();
 *   List<Match> found = index.search(
 *       SearchQuery.of(clip.encodeText("a dog")).optTopK(20).optWhere(Filter.range("year", 2020, null)));
 * }
 * }</pre>
 *
 * <p>What {@link #commit} or {@link #close} wrote is there after a crash of any kind; what came
 * later is not. A search sees what was there when it began. Every byte is checked when an index is
 * opened, and a file that is cut while it is in use is an error of the next search, so that damage
 * never gives a wrong answer.
 *
 * <p>Safe for use by any number of threads. One index at a time writes to a folder; others, in this
 * process or another, may read it ({@link LuceneIndexBuilder#openReadOnly}). After {@link #close}
 * every method throws {@link IllegalStateException}, and no thread of the index is left.
 */
public final class LuceneIndex implements AutoCloseable {
  private static final String FORMAT = "clip4j index";
  private static final String VERSION = "1";
  private static final String NOTE = "note.";
  private static final double UNIT_TOLERANCE = 1e-3;

  private final Path folder;
  private final Directory directory;
  private final int dimensions;
  private final boolean int8;
  private final ModelIdentity model;
  private final IndexFields fields = new IndexFields();
  private final Map<String, String> notes = new ConcurrentHashMap<>();
  private final IndexWriter writer; // null if read only
  private final IndexStates states;
  private final EntryWriter entries; // null if read only

  LuceneIndex(LuceneIndexBuilder builder, Directory directory, boolean create, boolean readOnly)
      throws IOException {
    folder = builder.folder;
    this.directory = directory;
    Set<String> whole = new HashSet<>();
    if (create) {
      dimensions = builder.dimensions;
      int8 = builder.int8;
      model = builder.model;
    } else {
      IndexFiles.requireIndex(folder, directory);
      if (builder.check) {
        IndexFiles.check(folder, directory, whole);
      }
      Map<String, String> data = IndexFiles.commitData(folder, directory);
      try {
        if (!FORMAT.equals(data.get("format")) || !VERSION.equals(data.get("version"))) {
          throw new IOException(
              folder + " holds an index of Lucene's that this library did not make: " + data);
        }
        dimensions = dimensions(Integer.parseInt(data.get("dimensions")));
        int8 = Boolean.parseBoolean(data.get("int8"));
        model = ModelIdentity.fromMap(data);
        data.forEach(
            (key, value) -> {
              if (key.startsWith(NOTE)) {
                notes.put(key.substring(NOTE.length()), value);
              }
            });
      } catch (RuntimeException e) { // the checksum is right, so somebody else wrote this
        throw new IOException(
            folder + " holds an index of another make: " + IoErrors.message(e), e);
      }
      builder.requireFit(dimensions, model);
    }
    if (readOnly) {
      writer = null;
      entries = null;
      states = new IndexStates(folder, directory, fields, whole, builder.refreshInterval, null);
      return;
    }
    writer = new IndexWriter(directory, config(builder, create, int8));
    try {
      if (create) {
        writer.setLiveCommitData(commitData().entrySet());
        writer.commit();
      }
      states = new IndexStates(folder, directory, fields, whole, builder.refreshInterval, writer);
      entries = new EntryWriter(writer, fields, states, builder.threads);
    } catch (IOException | RuntimeException e) {
      writer.rollback();
      throw e;
    }
  }

  private Map<String, String> commitData() {
    Map<String, String> data = new HashMap<>(model == null ? Map.of() : model.toMap());
    data.put("format", FORMAT);
    data.put("version", VERSION);
    data.put("dimensions", String.valueOf(dimensions));
    data.put("int8", String.valueOf(int8));
    notes.forEach((key, value) -> data.put(NOTE + key, value));
    return data;
  }

  private static IndexWriterConfig config(
      LuceneIndexBuilder builder, boolean create, boolean int8) {
    TieredMergePolicy merges = new TieredMergePolicy();
    merges.setNoCFSRatio(1); // one file a segment, whose length is looked at with every search
    merges.setMaxCFSSegmentSizeMB(Double.POSITIVE_INFINITY);
    // Vectors of a graph are inserted anew whenever it is merged, so segments begin large.
    double buffer = Math.max(16, Math.min(512, (Runtime.getRuntime().maxMemory() >> 20) / 6.0));
    return new IndexWriterConfig()
        .setOpenMode(create ? IndexWriterConfig.OpenMode.CREATE : IndexWriterConfig.OpenMode.APPEND)
        .setCodec(LongVectorsFormat.codec(builder.degree, builder.beam, int8))
        .setMergePolicy(merges)
        .setMergeScheduler(new ConcurrentMergeScheduler())
        .setUseCompoundFile(true)
        .setRAMBufferSizeMB(buffer);
  }

  static int dimensions(int dimensions) {
    return Limits.within("values of a vector", 1, LongVectorsFormat.MAX_DIMENSIONS, dimensions);
  }

  /** Starts to make or open an index. */
  public static LuceneIndexBuilder builder(Path folder) {
    return new LuceneIndexBuilder(folder);
  }

  /** Opens an index as {@link LuceneIndexBuilder#open} does, without options. */
  public static LuceneIndex open(Path folder) throws IOException {
    return builder(folder).open();
  }

  /** Returns whether a folder holds an index, whole or not. */
  public static boolean isIn(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (Directory directory = new MMapDirectory(folder)) {
      return DirectoryReader.indexExists(directory);
    }
  }

  /** Gives E, the length of every vector. */
  public int dimensions() {
    return dimensions;
  }

  /** Returns whether the graph is searched by vectors of a byte for each value. */
  public boolean isInt8() {
    return int8;
  }

  /** Returns which model made the embeddings, if it was said when the index was made. */
  public Optional<ModelIdentity> model() {
    return Optional.ofNullable(model);
  }

  /** Names the fields that entries have or had, and says in words what they hold. */
  public Map<String, String> fields() {
    states.requireOpen();
    return fields.names();
  }

  /**
   * Gives what an application wants to remember of the index, to be changed there and written with
   * the next {@link #commit}. Safe for use by several threads.
   */
  public Map<String, String> notes() {
    return notes;
  }

  /** Counts the entries. */
  public int size() throws IOException {
    return read(searcher -> searcher.reader().numDocs());
  }

  /** Returns whether there is an entry of this id. */
  public boolean contains(String id) throws IOException {
    return read(searcher -> searcher.has(new Term(CheckedSearcher.ID, id)));
  }

  /** Gives the entry of this id. */
  public Optional<IndexEntry> get(String id) throws IOException {
    return read(
        searcher -> {
          int doc = searcher.first(new Term(CheckedSearcher.ID, id));
          return doc < 0 ? Optional.empty() : Optional.of(searcher.entry(doc));
        });
  }

  /** Adds an entry; as {@link #addAll(Collection)}. */
  public void add(IndexEntry entry) throws IOException {
    addAll(List.of(entry));
  }

  /**
   * Adds entries, on several threads if there are many.
   *
   * @throws IllegalArgumentException if there is an entry of such an id already, or one twice, or a
   *     vector or field that does not fit; then none is added
   * @throws IOException if they cannot be written
   */
  public void addAll(Collection<IndexEntry> added) throws IOException {
    write(added, EntryWriter.Mode.ADD);
  }

  /**
   * Adds the rows of a folder of embeddings, their names as string fields.
   *
   * @param id of a row, by its number
   * @throws IllegalArgumentException as {@link #addAll(Collection)}, or if another model made them
   */
  public void addAll(Embeddings embeddings, IntFunction<String> id) throws IOException {
    requireFit(ModelIdentity.of(embeddings));
    List<IndexEntry> some = new ArrayList<>();
    for (int row = 0; row < embeddings.size(); row++) {
      some.add(entry(embeddings, row, id.apply(row)));
      if (some.size() == 1024 || row + 1 == embeddings.size()) {
        addAll(some);
        some.clear();
      }
    }
  }

  /**
   * Makes an entry of a row of embeddings: the parts of its name that are not empty are its fields.
   */
  public static IndexEntry entry(Embeddings embeddings, int row, String id) {
    Map<String, String> fields = new HashMap<>();
    for (int i = 0; i < embeddings.columns().size(); i++) {
      String value = embeddings.name(row).get(i);
      if (!value.isEmpty()) {
        fields.put(embeddings.columns().get(i), value);
      }
    }
    return new IndexEntry(id, embeddings.index().vector(row), fields);
  }

  /**
   * Replaces the entry of the same id.
   *
   * @throws IllegalArgumentException if there is none, or the vector or a field does not fit
   */
  public void update(IndexEntry entry) throws IOException {
    write(List.of(entry), EntryWriter.Mode.UPDATE);
  }

  /**
   * Adds entries, or replaces those of the same ids.
   *
   * @throws IllegalArgumentException if an id is there twice, or a vector or field does not fit;
   *     then none is written
   */
  public void putAll(Collection<IndexEntry> entries) throws IOException {
    write(entries, EntryWriter.Mode.PUT);
  }

  private void write(Collection<IndexEntry> written, EntryWriter.Mode mode) throws IOException {
    writing(
        () -> {
          written.forEach(this::check);
          entries.write(written, mode);
          return null;
        });
  }

  private void check(IndexEntry entry) {
    check(entry.vector(), "entry \"" + entry.id() + "\": the vector");
    double length = SearchQuery.length(entry.vector());
    if (Math.abs(length - 1) > UNIT_TOLERANCE) {
      throw new IllegalArgumentException(
          "entry \""
              + entry.id()
              + "\": the vector has the length "
              + length
              + "; divide it by that, to have length 1");
    }
    int bytes = entry.id().getBytes(StandardCharsets.UTF_8).length;
    Limits.within("the bytes of an id in UTF-8", 1, IndexFields.MAX_BYTES, bytes);
    fields.check(entry);
  }

  private void check(float[] vector, String what) {
    VectorCheck.of(vector, dimensions, what);
  }

  /** Removes entries; those that are not there are passed over. Gives how many were removed. */
  public int remove(Collection<String> ids) throws IOException {
    return writing(() -> entries.remove(ids));
  }

  /** Finds the entries most similar to a query, best first; of equal ones in no fixed order. */
  public List<Match> search(SearchQuery query) throws IOException {
    states.requireOpen();
    check(query.vector, "the query");
    if (query.excluded != null) {
      check(query.excluded, "what is excluded");
    }
    return read(searcher -> new IndexSearch(searcher, fields, query).run());
  }

  /** Searches as {@link #search(SearchQuery)}, for no more than a number of entries. */
  public List<Match> search(float[] query, int topK) throws IOException {
    return search(SearchQuery.of(query).optTopK(topK));
  }

  /** Makes all that was written durable. */
  public void commit() throws IOException {
    writing(
        () -> {
          writer.setLiveCommitData(commitData().entrySet());
          return writer.commit();
        });
  }

  /**
   * Merges what was added at different times, which takes a while and makes searches fastest; and
   * commits.
   */
  public void compact() throws IOException {
    writing(
        () -> {
          writer.forceMerge(1);
          return null;
        });
    commit();
  }

  /**
   * Reads every byte of what was committed last.
   *
   * @throws IOException if a file is damaged or missing; the message names it
   */
  public void verify() throws IOException {
    states.requireOpen();
    IndexFiles.check(folder, directory, new HashSet<>());
  }

  /**
   * Makes searches see what was written until now, or, if the index is read only, what was
   * committed last. An index that writes does so by itself.
   */
  public void refresh() throws IOException {
    states.refresh();
  }

  private <T> T read(IndexStates.Reading<T> reading) throws IOException {
    return whileOpen(() -> states.read(reading));
  }

  private <T> T writing(IoErrors.Work<T> task) throws IOException {
    states.requireOpen();
    if (writer == null) {
      throw new IllegalStateException("the index was opened to be read only");
    }
    return whileOpen(task);
  }

  private <T> T whileOpen(IoErrors.Work<T> task) throws IOException {
    try {
      return task.run();
    } catch (AlreadyClosedException e) {
      throw noLongerOpen(e);
    }
  }

  /** Lucene closes its writer when a write fails, and then says only that it is closed. */
  private IOException noLongerOpen(AlreadyClosedException e) {
    states.requireOpen();
    Throwable cause = writer != null ? writer.getTragicException() : null;
    return new IOException(
        folder
            + " cannot be written any more"
            + (cause == null ? "" : ": " + cause)
            + "; close the index and open it again, it has what was committed",
        e);
  }

  /**
   * Refuses a model that did not make this index.
   *
   * @throws IllegalArgumentException if it is another; the message says how to make an index anew
   */
  public void requireFit(ModelIdentity other) {
    LuceneIndexBuilder.requireFit(folder, dimensions, model, other);
  }

  /** Commits what was written, and waits until the index's threads have ended. */
  @Override
  public void close() throws IOException {
    if (!states.end()) {
      return;
    }
    try (directory;
        writer;
        entries;
        states) {
      if (writer != null && writer.isOpen()) {
        writer.setLiveCommitData(commitData().entrySet());
      }
    }
  }
}
