package org.clip4j.search;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntFunction;
import org.clip4j.io.CheckedJson;
import org.clip4j.io.Checksums;
import org.clip4j.io.FolderLock;
import org.clip4j.io.Limits;

/**
 * Writes embeddings to a folder so that an interrupted run goes on where it stopped, and what comes
 * out is the same, byte for byte, as if it had not been.
 *
 * <p>The folder holds {@code embeddings-00000.npy} and so on, shards of float32 rows; {@code
 * names.tsv}, a row's number and what it is of; {@code skipped.jsonl}, what has no row and why; and
 * {@code embed.json}, which says what of them counts, with checksums, and what the rows were made
 * with. Nothing counts until {@code embed.json} is replaced, after each full shard; so a process
 * may be killed at any time. One process at a time writes; use one thread.
 */
public final class EmbeddingWriter implements AutoCloseable {
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private final Path folder;
  private final FolderLock lock;
  private final Builder settings;
  private final GrowingLines names;
  private final GrowingLines skipped;
  private final List<EmbeddingManifest.Shard> shards;
  private final Map<String, String> notes;
  private MessageDigest hash = Checksums.digest("SHA-256");
  private Vectors shard; // not written yet
  private EmbeddingManifest written;
  private int rows;
  private int sources;
  private boolean checked; // that the sources written are the first of those to come

  private EmbeddingWriter(Builder settings, FolderLock lock) throws IOException {
    this.settings = settings;
    this.folder = settings.folder;
    this.lock = lock;
    if (EmbeddingManifest.isIn(folder)) {
      written = EmbeddingManifest.read(folder);
      settings.check(written);
    } else {
      settings.checkFree();
      written = settings.empty(hash());
    }
    shards = new ArrayList<>(written.shards());
    notes = written.notes();
    rows = written.rows();
    sources = written.sources();
    names = new GrowingLines(folder.resolve(EmbeddingManifest.NAMES), written.names());
    try {
      skipped = new GrowingLines(folder.resolve(EmbeddingManifest.SKIPPED), written.skipped());
    } catch (IOException e) {
      names.close();
      throw e;
    }
    shard = new Vectors(Vectors.Arrangement.ROWS, settings.dimensions);
  }

  /** Starts writing to a folder, which is made, or holds what an earlier run wrote. */
  public static Builder into(Path folder) {
    return new Builder(folder);
  }

  /** Returns E, the length of an embedding. */
  public int dimensions() {
    return settings.dimensions;
  }

  /** Returns how many sources are behind it: those with a row and those skipped. */
  public int sources() {
    return sources;
  }

  /** Returns how many rows there are, those that do not count yet included. */
  public int rows() {
    return rows;
  }

  /** Returns how many sources were skipped. */
  public int skipped() {
    return sources - rows;
  }

  /** Returns how many rows the shard under way still takes. */
  public int rowsLeftInShard() {
    return settings.rowsPerShard - shard.size();
  }

  /**
   * Checks that the sources behind it are the first of those that are to be embedded, which is
   * needed before more are added.
   *
   * @param count of all sources
   * @param names of the source with a number, one for each column
   * @return the number of the source to go on with
   * @throws IOException if they are not: if files were added or removed between them, for example
   */
  public int resume(int count, IntFunction<List<String>> names) throws IOException {
    if (count < sources) {
      throw new IOException(
          folder
              + " holds embeddings of "
              + sources
              + " sources, but now there are "
              + count
              + "; name another folder, or delete it to begin anew");
    }
    hash = Checksums.digest("SHA-256");
    for (int i = 0; i < sources; i++) {
      addToHash(names.apply(i));
    }
    if (!hash().equals(written.sourcesHash())) {
      throw new IOException(
          "the first "
              + sources
              + " sources are not those that "
              + folder
              + " holds embeddings of; name another folder, or delete it to begin anew");
    }
    checked = true;
    return sources;
  }

  /**
   * Adds a row.
   *
   * @param name of what it is of, one for each column
   */
  public void add(float[] embedding, List<String> name) throws IOException {
    requireResumed();
    if (rows == 0) {
      names.heading("row\t" + tabbed(settings.columns));
    }
    shard.add(embedding);
    addToHash(name);
    names.add(rows + "\t" + tabbed(name));
    rows++;
    sources++;
    if (rowsLeftInShard() == 0) {
      commit(false);
    }
  }

  /** Passes a source over, which is listed with the reason. */
  public void skip(List<String> name, String reason) {
    requireResumed();
    JsonObject line = new JsonObject();
    line.addProperty("source", sources);
    for (int i = 0; i < name.size(); i++) {
      line.addProperty(settings.columns.get(i), name.get(i));
    }
    line.addProperty("reason", reason);
    addToHash(name);
    skipped.add(GSON.toJson(line));
    sources++;
  }

  private void requireResumed() {
    if (!checked) {
      throw new IllegalStateException("call resume() before adding");
    }
  }

  /** Makes all that was added count: the sources have come to their end. */
  public void finish() throws IOException {
    requireResumed();
    commit(true);
  }

  private void commit(boolean complete) throws IOException {
    if (shard.size() > 0) {
      String name = String.format(Locale.ROOT, "embeddings-%05d.npy", shards.size());
      long crc = NpyFile.write(folder.resolve(name), settings.dimensions, shard.pieces());
      shards.add(new EmbeddingManifest.Shard(name, shard.size(), CheckedJson.hex(crc)));
      shard = new Vectors(Vectors.Arrangement.ROWS, settings.dimensions);
    }
    EmbeddingManifest.Lines namesNow = names.commit();
    EmbeddingManifest now =
        new EmbeddingManifest(
            settings.dimensions,
            settings.facts,
            notes,
            settings.columns,
            sources,
            hash(),
            complete,
            namesNow,
            skipped.commit(),
            List.copyOf(shards));
    if (!now.equals(written)) {
      now.write(folder);
      written = now;
    }
  }

  private void addToHash(List<String> name) {
    for (String part : name) {
      byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
      hash.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
      hash.update(bytes);
    }
  }

  private String hash() {
    try {
      return HexFormat.of().formatHex(((MessageDigest) hash.clone()).digest());
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e); // Java's own can be cloned
    }
  }

  /** Fields between tabs, quoted where need be as in RFC 4180. */
  private static String tabbed(List<String> fields) {
    List<String> quoted = new ArrayList<>();
    for (String field : fields) {
      boolean plain = field.chars().noneMatch(c -> c == '"' || c == '\t' || c == '\n' || c == '\r');
      quoted.add(plain ? field : '"' + field.replace("\"", "\"\"") + '"');
    }
    return String.join("\t", quoted);
  }

  /** Gives up what does not count yet, unless {@link #finish} was called. */
  @Override
  public void close() throws IOException {
    try (lock;
        skipped;
        names) {
      shard.close();
    }
  }

  /** Says what is written. Not safe for use by several threads. */
  public static final class Builder {
    private final Path folder;
    private int dimensions;
    private List<String> columns;
    private Map<String, String> facts = Map.of();
    private Map<String, String> notes = Map.of();
    private int rowsPerShard = 4096;

    private Builder(Path folder) {
      this.folder = folder.toAbsolutePath();
    }

    /** Sets E, the length of an embedding. */
    public Builder setDimensions(int dimensions) {
      this.dimensions = dimensions;
      return this;
    }

    /** Sets what the columns of the table of names are called, for example {@code file}. */
    public Builder setColumns(String... columns) {
      this.columns = List.of(columns);
      return this;
    }

    /** Sets what all rows have in common, such as the model: a run with other facts is an error. */
    public Builder optFacts(Map<String, String> facts) {
      this.facts = new TreeMap<>(facts);
      return this;
    }

    /** Sets what is good to know about the first run; other runs may differ. */
    public Builder optNotes(Map<String, String> notes) {
      this.notes = new TreeMap<>(notes);
      return this;
    }

    /**
     * Sets the number of rows of a shard, 4096 by default: so many at most are lost with an
     * interrupted run.
     */
    public Builder optRowsPerShard(int rows) {
      this.rowsPerShard = Limits.within("rows of a shard", 1, 1 << 24, rows);
      return this;
    }

    /**
     * Opens the folder.
     *
     * @throws IOException if it cannot be written, another process writes it, it holds other files
     *     of these names, is damaged, or was made with other facts; the message says which
     */
    public EmbeddingWriter open() throws IOException {
      if (columns == null || dimensions < 1) {
        throw new IllegalStateException("say how long embeddings are, and what they are named by");
      }
      FolderLock lock = new FolderLock(folder);
      try {
        return new EmbeddingWriter(this, lock);
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
    }

    private void check(EmbeddingManifest written) throws IOException {
      List<String> differences = new ArrayList<>();
      TreeSet<String> all = new TreeSet<>(facts.keySet());
      all.addAll(written.facts().keySet());
      for (String fact : all) {
        String was = written.facts().get(fact);
        String is = facts.get(fact);
        if (was == null || !was.equals(is)) {
          differences.add(fact + " was " + was + " and is " + is);
        }
      }
      if (written.dimensions() != dimensions) {
        differences.add("dimensions were " + written.dimensions() + " and are " + dimensions);
      }
      if (!written.columns().equals(columns)) {
        differences.add("names were " + written.columns() + " and are " + columns);
      }
      if (!differences.isEmpty()) {
        throw new IOException(
            folder
                + " holds embeddings made otherwise: "
                + String.join("; ", differences)
                + ". Name another folder, or delete it to begin anew");
      }
    }

    /** Files that this would overwrite without knowing what they are. */
    private void checkFree() throws IOException {
      for (String name :
          List.of(EmbeddingManifest.NAMES, EmbeddingManifest.SKIPPED, "embeddings-00000.npy")) {
        if (Files.exists(folder.resolve(name))) {
          throw new IOException(
              folder.resolve(name)
                  + " is there, but no "
                  + EmbeddingManifest.FILE
                  + " that says what it is; name another folder, or move it away");
        }
      }
    }

    private EmbeddingManifest empty(String hash) throws IOException {
      EmbeddingManifest empty =
          new EmbeddingManifest(
              dimensions,
              facts,
              notes,
              columns,
              0,
              hash,
              false,
              GrowingLines.none(),
              GrowingLines.none(),
              List.of());
      empty.write(folder);
      return empty;
    }
  }
}
