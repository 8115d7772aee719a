package org.clip4j.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import org.clip4j.io.IoErrors;
import org.clip4j.io.MappedFile;
import org.clip4j.search.Vectors.Arrangement;
import org.clip4j.search.Vectors.Piece;
import org.clip4j.search.internal.VectorCheck;
import org.jspecify.annotations.Nullable;

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
 * <p>With a {@link Quantization} a search goes through a short form of the rows, a quarter or a
 * thirty-second of their size, which is made when the index is opened and held in memory; of the
 * files it reads only the rows that seem best, to score them exactly:
 *
 * <pre>{@code
 * ExactIndex.builder().optQuantization(Quantization.INT8).open(folder)
 * }</pre>
 *
 * <p>Any number of threads may search one index, also while another adds to it; a search sees the
 * rows that were there when it began. After {@link #close} every method throws {@link
 * IllegalStateException}; a search under way ends as if nothing had happened.
 */
public final class ExactIndex implements AutoCloseable {
  private static final String FORMAT = "clip4j exact index";

  /** Queries scored together, so that their sums stay in a core's cache. */
  private static final int QUERIES_AT_ONCE = 8;

  /** A search scores as many rows exactly as if at least so many had been asked for. */
  private static final int LEAST_K = 10;

  private final Vectors vectors;
  private final Quantization quantization;
  private final int oversampling;
  private final IndexFolder.Origin origin = new IndexFolder.Origin();
  // Settled when it is opened.
  private final List<MappedFile> files = new ArrayList<>();
  private volatile @Nullable CodedRows coded;

  private ExactIndex(int dimensions, Quantization quantization, int oversampling) {
    boolean plain = quantization == Quantization.NONE;
    vectors = new Vectors(plain ? Arrangement.COLUMNS : Arrangement.ROWS, dimensions);
    this.quantization = quantization;
    this.oversampling = oversampling > 0 ? oversampling : quantization.oversampling();
  }

  /**
   * Starts options that say in what form an index is searched; without them as the static methods
   * do.
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Starts an empty index for vectors of so many values. */
  public static ExactIndex create(int dimensions) {
    return builder().create(dimensions);
  }

  /**
   * Opens an index that {@link #save} wrote. Every byte is checked first, so that an index that
   * opened is whole.
   *
   * @throws IOException if the folder holds no index, or one that is damaged; the message names the
   *     file
   */
  public static ExactIndex open(Path folder) throws IOException {
    return builder().open(folder);
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
    return builder().ofNpy(files);
  }

  private List<RowFile> mapNpy(Path... files) throws IOException {
    List<RowFile> stored = new ArrayList<>();
    for (Path file : files) {
      NpyFile npy = NpyFile.open(file);
      if (npy.dimensions() != dimensions()) {
        throw new IOException(
            file
                + " has rows of "
                + npy.dimensions()
                + " values, "
                + files[0]
                + " of "
                + dimensions());
      }
      RowFile rows = new RowFile(npy, Arrangement.ROWS, size(), npy.rows());
      for (FloatBuffer piece : npy.map()) {
        vectors.append(Arrangement.ROWS, piece, piece.capacity() / npy.dimensions());
      }
      checkFinite(rows);
      stored.add(rows);
    }
    return stored;
  }

  private void checkFinite(RowFile file) throws IOException {
    file.read(
        dimensions(),
        (first, count, rows) -> {
          for (int i = 0; i < count; i++) {
            try {
              VectorCheck.of(rows[i], dimensions(), "row " + (first - file.first() + i));
            } catch (IllegalArgumentException e) {
              throw new IOException(
                  file.npy().file() + " cannot be searched: " + IoErrors.message(e), e);
            }
          }
        });
  }

  /** Takes files whose rows are appended, and makes the short form of them. */
  private void setFiles(List<RowFile> stored) throws IOException {
    for (RowFile file : stored) {
      files.add(MappedFile.of(file.npy().file()));
    }
    if (quantization != Quantization.NONE) {
      coded = new CodedRows(quantization, dimensions(), stored);
    }
  }

  /** Gives the form in which stored rows are searched. */
  public Quantization quantization() {
    return quantization;
  }

  /**
   * Counts the bytes that a search goes through: the short form of rows that were there when the
   * index was opened, and 4 for each value of the others. What is read of the files for exact
   * scores is not counted.
   */
  public long searchedBytes() {
    CodedRows coded = this.coded;
    List<Piece> pieces = vectors.pieces();
    int start = coded == null ? 0 : Vectors.mapped(pieces);
    long exact = (long) (Vectors.size(pieces) - start) * dimensions() * Float.BYTES;
    return coded == null ? exact : coded.bytes(start) + exact;
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
    CodedRows coded = this.coded;
    List<Piece> pieces = vectors.pieces();
    int scored = coded == null ? 0 : Vectors.mapped(pieces); // first of the rows that all are
    List<List<Hit>> found = new ArrayList<>(queries.length);
    InnerProducts products =
        new InnerProducts(Math.min(QUERIES_AT_ONCE, queries.length), dimensions());
    for (int start = 0; start < queries.length; start += QUERIES_AT_ONCE) {
      int end = Math.min(start + QUERIES_AT_ONCE, queries.length);
      TopK[] tops = new TopK[end - start];
      Arrays.setAll(tops, i -> new TopK(k));
      float[][] some = Arrays.copyOfRange(queries, start, end);
      if (coded != null) {
        addCoded(coded, some, k, pieces, scored, tops);
      }
      for (Piece piece : pieces) {
        if (piece.first() < scored) {
          continue;
        }
        products.of(
            some, piece, (query, first, count, scores) -> tops[query].addAll(first, count, scores));
      }
      for (TopK top : tops) {
        found.add(top.drain());
      }
    }
    return found;
  }

  /** Adds those of the coded rows that seem best, with their exact scores. */
  private void addCoded(
      CodedRows coded, float[][] queries, int k, List<Piece> pieces, int end, TopK[] tops) {
    int candidates = (int) Math.min((long) Math.max(k, LEAST_K) * oversampling, end);
    TopK[] near = coded.search(queries, candidates, end);
    float[] row = new float[dimensions()];
    float[] score = new float[1];
    for (int q = 0; q < queries.length; q++) {
      List<Hit> hits = near[q].drain();
      hits.sort(Comparator.comparingInt(Hit::row)); // as they lie in the files
      int at = 0;
      for (Hit hit : hits) {
        while (pieces.get(at).end() <= hit.row()) {
          at++;
        }
        pieces.get(at).copy(hit.row(), row);
        score[0] = InnerProducts.of(queries[q], row, 0);
        tops[q].addAll(hit.row(), 1, score);
      }
    }
  }

  /**
   * Writes the index to a folder, which may be the one that it was opened from or saved to before:
   * then only what is new since is written, at most 64 MiB more. What the folder holds is replaced
   * only when all is on disk.
   *
   * @throws IOException if it cannot be written, or the folder holds another index
   */
  public void save(Path folder) throws IOException {
    IndexFolder.save(folder, FORMAT, vectors, quantization, origin);
  }

  /**
   * Gives the vectors up. Files stay mapped until Java's collector finds that nobody reads them.
   */
  @Override
  public void close() {
    vectors.close();
    coded = null;
  }

  /** Opens and starts indexes with options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable Quantization quantization;
    private int oversampling;

    private Builder() {}

    /**
     * Sets the form in which rows that are stored are searched; by default that of the index when
     * it was saved, else {@link Quantization#NONE}. Rows that are added are searched as they are,
     * and with them the last rows of the index (at most 64 MiB), which they join in memory; saving
     * the index and opening it again makes the short form of them too.
     *
     * <p>An index that was saved without a quantization may be opened with one, but its rows lie in
     * blocks, so that reading one for its exact score touches more of the file.
     */
    public Builder optQuantization(Quantization quantization) {
      this.quantization = quantization;
      return this;
    }

    /**
     * Sets how many times as many rows as a search is asked for, and at least as for 10, are scored
     * exactly: 4 by default with {@link Quantization#INT8}, 10 with {@link Quantization#BINARY}.
     */
    public Builder optOversampling(int oversampling) {
      if (oversampling < 1) {
        throw new IllegalArgumentException(
            "oversampling is at least 1, found "
                + oversampling
                + "; 4 suits INT8 and 10 suits BINARY");
      }
      this.oversampling = oversampling;
      return this;
    }

    /** Starts an index as {@link ExactIndex#create}; {@link ExactIndex#save} keeps the form. */
    public ExactIndex create(int dimensions) {
      return index(dimensions, Quantization.NONE);
    }

    /** Opens an index as {@link ExactIndex#open}. */
    public ExactIndex open(Path folder) throws IOException {
      IndexFolder stored = IndexFolder.open(folder, FORMAT);
      ExactIndex index = index(stored.dimensions(), stored.quantization());
      index.setFiles(stored.load(index.vectors, index.origin));
      return index;
    }

    /** Opens files as {@link ExactIndex#ofNpy}. */
    public ExactIndex ofNpy(Path... files) throws IOException {
      if (files.length == 0) {
        throw new IllegalArgumentException("name at least one .npy file");
      }
      ExactIndex index = index(NpyFile.open(files[0]).dimensions(), Quantization.NONE);
      index.setFiles(index.mapNpy(files));
      return index;
    }

    private ExactIndex index(int dimensions, Quantization otherwise) {
      return new ExactIndex(
          dimensions, quantization == null ? otherwise : quantization, oversampling);
    }
  }
}
