package org.clip4j.search.lucene;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.store.MMapDirectory;
import org.clip4j.io.IoErrors;
import org.clip4j.io.Limits;

/** Says how an index is made or opened. Not safe for use by several threads. */
public final class LuceneIndexBuilder {
  final Path folder;
  int dimensions;
  ModelIdentity model;
  boolean int8;
  boolean check = true;
  int degree = 16;
  int beam = 100;
  int threads = Runtime.getRuntime().availableProcessors();
  Duration refreshInterval = Duration.ZERO;

  LuceneIndexBuilder(Path folder) {
    this.folder = folder;
  }

  /** Sets E, the length of every vector, 1 to 4,096. An index that is opened must have the same. */
  public LuceneIndexBuilder optDimensions(int dimensions) {
    this.dimensions = LuceneIndex.dimensions(dimensions);
    return this;
  }

  /** Sets which model makes the embeddings. An index that is opened must be of the same. */
  public LuceneIndexBuilder optModel(ModelIdentity model) {
    this.model = model;
    return optDimensions(model.dimensions());
  }

  /**
   * Sets whether the graph is searched by vectors of a byte for each value, a quarter of the
   * memory; what it finds is ranked by the exact vectors, which stay on disk. It is settled when an
   * index is made.
   */
  public LuceneIndexBuilder optInt8(boolean int8) {
    this.int8 = int8;
    return this;
  }

  /**
   * Sets how many edges a vector has in the graph, at most; 16 by default. More find more and take
   * longer.
   */
  public LuceneIndexBuilder optDegree(int degree) {
    this.degree = Limits.within("the degree", 2, 512, degree);
    return this;
  }

  /** Sets how many vectors near a new one are looked at as its neighbours; 100 by default. */
  public LuceneIndexBuilder optBuildBeam(int beam) {
    this.beam = Limits.within("the beam", 1, 3200, beam);
    return this;
  }

  /** Sets how many threads add many entries; all cores by default. */
  public LuceneIndexBuilder optThreads(int threads) {
    this.threads = Limits.within("the number of threads", 1, 1024, threads);
    return this;
  }

  /**
   * Sets how old what a search sees may be while others write; by default it sees all that was
   * written. Where searches and writes alternate quickly, a second makes both faster.
   */
  public LuceneIndexBuilder optRefreshInterval(Duration interval) {
    this.refreshInterval = interval;
    return this;
  }

  /**
   * Sets whether every byte is checked when an index is opened, about a second for two gigabytes.
   */
  public LuceneIndexBuilder optCheck(boolean check) {
    this.check = check;
    return this;
  }

  /**
   * Makes an empty index, and the folder if need be.
   *
   * @throws IOException if the folder holds an index, or cannot be written
   */
  public LuceneIndex create() throws IOException {
    if (dimensions == 0) {
      throw new IllegalArgumentException("say how long the vectors are, or which model makes them");
    }
    Files.createDirectories(folder);
    IndexFiles.requireNoOld(folder);
    if (LuceneIndex.isIn(folder)) {
      throw new IOException(folder + " holds an index already; open it, or name another folder");
    }
    return start(true, false);
  }

  /**
   * Opens an index to read and to write it. Every byte is checked first.
   *
   * @throws IOException if the folder holds none, or one that is damaged, of another model, or
   *     written by another index at this time; the message names the folder or file
   */
  public LuceneIndex open() throws IOException {
    return start(false, false);
  }

  /**
   * Opens an index as {@link #open} does, to read what was committed, also while another index
   * writes.
   */
  public LuceneIndex openReadOnly() throws IOException {
    return start(false, true);
  }

  private LuceneIndex start(boolean create, boolean readOnly) throws IOException {
    if (!create && !Files.isDirectory(folder)) {
      throw new IOException(folder + " is no folder, so it holds no index");
    }
    Directory directory = new MMapDirectory(folder);
    try {
      return new LuceneIndex(this, directory, create, readOnly);
    } catch (LockObtainFailedException e) {
      directory.close();
      throw new IOException(
          folder
              + " is being written by another index, here or in another process; close that, or"
              + " open this one read only",
          e);
    } catch (IOException | RuntimeException | InternalError e) {
      directory.close();
      if (e instanceof IOException && IoErrors.message(e).contains(folder.toString())
          || e instanceof IllegalArgumentException && !(e instanceof NumberFormatException)) {
        throw e;
      }
      throw new IOException(folder + " cannot be opened as an index: " + e, e);
    }
  }

  void requireFit(int stored, ModelIdentity storedModel) {
    if (model != null) {
      requireFit(folder, stored, storedModel, model);
    } else if (dimensions != 0 && dimensions != stored) {
      throw new IllegalArgumentException(
          folder + " holds vectors of " + stored + " values, not of " + dimensions);
    }
  }

  static void requireFit(Path folder, int dimensions, ModelIdentity made, ModelIdentity asked) {
    List<String> differences =
        made != null
            ? made.differences(asked)
            : dimensions == asked.dimensions()
                ? List.of()
                : List.of("dimensions " + dimensions + ", not " + asked.dimensions());
    if (!differences.isEmpty()) {
      throw new IllegalArgumentException(
          folder
              + " was made by "
              + (made == null ? "a model that it does not name" : made)
              + ", and this is "
              + asked
              + ": "
              + String.join("; ", differences)
              + ". Use that model, or embed everything with this one and make the index anew in"
              + " another folder (create a LuceneIndex of this model there, and addAll)");
    }
  }
}
