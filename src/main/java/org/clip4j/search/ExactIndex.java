package org.clip4j.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.clip4j.io.IoErrors;
import org.clip4j.io.MappedFile;
import org.clip4j.search.Vectors.Arrangement;
import org.clip4j.search.Vectors.Piece;
import org.clip4j.search.internal.VectorCheck;

/**
 * Finds the most similar vectors by comparing with all of them.
 *
 * <pre>{@code
 * ExactIndex index = ExactIndex.create(512);
 * index.add(clip.encodeImages(images));
 * index.save(folder);
 * try (ExactIndex again = ExactIndex.open(folder)) {
 *   List<Hit> hits = again.search(clip.encodeText("a red circle"), 10);
 * }
 * }</pre>
 *
 * <p>Similarity is the inner product, which for embeddings (unit length) is their cosine. A saved
 * index is a folder of {@code .npy} files and {@code index.json}, which holds their checksums; the
 * files are mapped, so that an index may be larger than the heap.
 *
 * <p>Any number of threads may search one index, also while another adds to it; a search sees the
 * rows that were there when it began. After {@link #close} every method throws {@link
 * IllegalStateException}; a search under way ends as if nothing had happened.
 */
public final class ExactIndex implements AutoCloseable {
  private static final String FORMAT = "clip4j exact index";

  /** Queries scored together, so that their sums stay in a core's cache. */
  private static final int QUERIES_AT_ONCE = 8;

  private final Vectors vectors;
  private final IndexFolder.Origin origin = new IndexFolder.Origin();
  private final List<MappedFile> files = new ArrayList<>(); // settled when it is opened

  private ExactIndex(Vectors vectors) {
    this.vectors = vectors;
  }

  /** Starts an empty index for vectors of so many values. */
  public static ExactIndex create(int dimensions) {
    return new ExactIndex(new Vectors(Arrangement.COLUMNS, dimensions));
  }

  /**
   * Opens an index that {@link #save} wrote. Every byte is checked first, so that an index that
   * opened is whole.
   *
   * @throws IOException if the folder holds no index, or one that is damaged; the message names the
   *     file
   */
  public static ExactIndex open(Path folder) throws IOException {
    IndexFolder stored = IndexFolder.open(folder, FORMAT);
    ExactIndex index = create(stored.dimensions());
    stored.load(index.vectors, index.origin, index.files);
    return index;
  }

  /**
   * Opens {@code .npy} files of float32 rows as one index, in their order, mapped as they are. A
   * search takes about twice as long as in an index of {@link #create}; copy them into one with
   * {@link #addAll} where that matters.
   *
   * @param files at least one
   * @throws IOException if one cannot be read, has rows of another length than the first, or values
   *     that are not finite; the message names it
   */
  public static ExactIndex ofNpy(Path... files) throws IOException {
    if (files.length == 0) {
      throw new IllegalArgumentException("name at least one .npy file");
    }
    ExactIndex index = create(NpyFile.open(files[0]).dimensions());
    for (Path file : files) {
      NpyFile npy = NpyFile.open(file);
      index.files.add(MappedFile.of(file));
      if (npy.dimensions() != index.dimensions()) {
        throw new IOException(
            file
                + " has rows of "
                + npy.dimensions()
                + " values, "
                + files[0]
                + " of "
                + index.dimensions());
      }
      for (FloatBuffer piece : npy.map()) {
        index.vectors.append(Arrangement.ROWS, piece, piece.capacity() / npy.dimensions());
      }
    }
    index.checkFinite();
    return index;
  }

  private void checkFinite() throws IOException {
    float[] row = new float[dimensions()];
    for (Piece piece : vectors.pieces()) {
      for (int i = piece.first(); i < piece.end(); i++) {
        piece.copy(i, row);
        try {
          VectorCheck.of(row, dimensions(), "row " + i);
        } catch (IllegalArgumentException e) {
          throw new IOException("the .npy files cannot be searched: " + IoErrors.message(e), e);
        }
      }
    }
  }

  /** Gives E, the length of every vector. */
  public int dimensions() {
    return vectors.dimensions();
  }

  /** Counts the rows. */
  public int size() {
    return vectors.size();
  }

  /**
   * Appends rows; their numbers follow those that are there.
   *
   * @param added E finite values each; copied
   * @throws IllegalArgumentException if one has another length or a value that is not finite; then
   *     none is added
   */
  public void add(float[]... added) {
    vectors.add(added);
  }

  /** Appends the rows of another index. */
  public void addAll(ExactIndex other) {
    for (Piece piece : other.vectors.pieces()) {
      float[][] some = new float[Math.min(Vectors.BLOCK, piece.count())][dimensions()];
      for (int row = piece.first(); row < piece.end(); row += some.length) {
        int count = Math.min(some.length, piece.end() - row);
        for (int i = 0; i < count; i++) {
          piece.copy(row + i, some[i]);
        }
        add(Arrays.copyOf(some, count));
      }
    }
  }

  /**
   * Copies a row.
   *
   * @throws IndexOutOfBoundsException if there is no such row
   */
  public float[] vector(int row) {
    return whole(() -> vectors.row(row), List.of());
  }

  /**
   * Finds the rows most similar to a query.
   *
   * @param query E finite values
   * @param k how many rows, at least 1
   * @return the k best, or all rows if there are fewer: the most similar first, and of equally
   *     similar ones the lower row
   * @throws UncheckedIOException if a mapped file was cut since it was opened
   */
  public List<Hit> search(float[] query, int k) {
    return search(new float[][] {query}, k).get(0);
  }

  /**
   * Searches as {@link #search(float[], int)} for several queries at once, which costs less than
   * one after the other and gives the same.
   *
   * @return one list for each query, in order
   */
  public List<List<Hit>> search(float[][] queries, int k) {
    vectors.checkSearch(queries, k);
    return whole(() -> find(queries, k), files);
  }

  /** Does something with rows that are mapped, whose files must not have been cut. */
  private <T> T whole(Supplier<T> reading, List<MappedFile> checked) {
    try {
      try {
        MappedFile.requireWhole(checked);
        T result = reading.get();
        MappedFile.requireWhole(checked);
        return result;
      } catch (InternalError e) {
        MappedFile.requireWhole(files); // says it better
        throw new IOException("a mapped file cannot be read: " + IoErrors.message(e), e);
      }
    } catch (IOException e) {
      throw IoErrors.unchecked(e);
    }
  }

  private List<List<Hit>> find(float[][] queries, int k) {
    List<Piece> pieces = vectors.pieces();
    List<List<Hit>> found = new ArrayList<>(queries.length);
    InnerProducts products =
        new InnerProducts(Math.min(QUERIES_AT_ONCE, queries.length), dimensions());
    for (int start = 0; start < queries.length; start += QUERIES_AT_ONCE) {
      int end = Math.min(start + QUERIES_AT_ONCE, queries.length);
      TopK[] tops = new TopK[end - start];
      Arrays.setAll(tops, i -> new TopK(k));
      float[][] some = Arrays.copyOfRange(queries, start, end);
      for (Piece piece : pieces) {
        products.of(
            some, piece, (query, first, count, scores) -> tops[query].addAll(first, count, scores));
      }
      for (TopK top : tops) {
        found.add(top.drain());
      }
    }
    return found;
  }

  /**
   * Writes the index to a folder, which may be the one that it was opened from or saved to before:
   * then only what is new since is written, at most 64 MiB more. What the folder holds is replaced
   * only when all is on disk.
   *
   * @throws IOException if it cannot be written, or the folder holds another index
   */
  public void save(Path folder) throws IOException {
    IndexFolder.save(folder, FORMAT, vectors, origin);
  }

  /**
   * Gives the vectors up. Files stay mapped until Java's collector finds that nobody reads them.
   */
  @Override
  public void close() {
    vectors.close();
  }
}
