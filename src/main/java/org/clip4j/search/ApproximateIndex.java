package org.clip4j.search;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import org.clip4j.search.Vectors.Layout;

/**
 * Finds most of the most similar vectors by looking at few: it follows a graph whose edges connect
 * similar ones. For embeddings, which lie near each other in groups, it finds nearly all; vectors
 * that are spread evenly in hundreds of dimensions have no such groups, and for them only {@link
 * ExactIndex} is right and fast.
 *
 * <pre>{@code
 * ApproximateIndex index = ApproximateIndex.builder(512).build();
 * index.add(embeddings);
 * List<Hit> hits = index.search(query, 10);
 * index.save(folder);
 * }</pre>
 *
 * <p>Adding a vector takes some milliseconds, in an index that was just made as in one that was
 * opened: it is connected to those that are there. A saved index is a folder like {@link
 * ExactIndex}'s with the graph beside it; the vectors are mapped, the graph is held in memory, some
 * 400 bytes a row.
 */
public final class ApproximateIndex implements VectorIndex {
  static final int MAX_DEGREE = 512;

  private static final String FORMAT = "clip4j approximate index";
  private static final double UNIT_TOLERANCE = 1e-3;

  private final Vectors vectors;
  private final IndexFolder.Origin origin;
  private final Graph graph;
  private final int searchBeam;

  private ApproximateIndex(
      Vectors vectors, IndexFolder.Origin origin, Graph graph, int searchBeam) {
    this.vectors = vectors;
    this.origin = origin;
    this.graph = graph;
    this.searchBeam = searchBeam;
  }

  /** Starts an index for vectors of so many values. */
  public static Builder builder(int dimensions) {
    return new Builder(dimensions);
  }

  /**
   * Opens an index that {@link #save} wrote. Every byte is checked first, so that an index that
   * opened is whole.
   *
   * @throws IOException if the folder holds no index, or one that is damaged; the message names the
   *     file
   */
  public static ApproximateIndex open(Path folder) throws IOException {
    IndexFolder stored = IndexFolder.open(folder, FORMAT);
    return new Builder(stored.dimensions()).open(stored);
  }

  @Override
  public int dimensions() {
    return vectors.dimensions();
  }

  @Override
  public int size() {
    return vectors.size();
  }

  /**
   * Appends rows and connects them. One thread at a time adds; others wait.
   *
   * @param added E finite values each, unit length; copied
   * @throws IllegalArgumentException if one has another length or a value that is not finite; then
   *     none is added
   */
  @Override
  public synchronized void add(float[]... added) {
    for (int i = 0; i < added.length; i++) {
      double length = length(added[i]);
      if (Math.abs(length - 1) > UNIT_TOLERANCE) { // NaN is refused below
        throw new IllegalArgumentException(
            "vector " + i + " has the length " + length + "; divide it by that, to have length 1");
      }
    }
    int from = vectors.size();
    vectors.add(added);
    graph.add(from, from + added.length);
  }

  private static double length(float[] vector) {
    double sum = 0;
    for (float value : vector) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  @Override
  public float[] vector(int row) {
    return vectors.row(row);
  }

  @Override
  public List<List<Hit>> search(float[][] queries, int k) {
    return search(queries, k, Math.max(searchBeam, k));
  }

  /**
   * As {@link #search(float[][], int)}, with another width of the beam than that of the builder.
   *
   * @param beam how many rows the search keeps on its way, at least k: more find more of the most
   *     similar and take longer
   */
  public List<List<Hit>> search(float[][] queries, int k, int beam) {
    int size = Math.max(1, vectors.size());
    vectors.checkSearch(queries, k);
    if (beam < k) {
      throw new IllegalArgumentException("a beam of " + beam + " cannot find " + k + " rows");
    }
    List<List<Hit>> found = new ArrayList<>(queries.length);
    for (float[] query : queries) {
      TopK top = new TopK(k);
      int[] rows = graph.search(unit(query), Math.min(k, size), Math.min(beam, size));
      GraphScores.Scorer scorer = new GraphScores.Scorer(query, vectors.pieces());
      for (int row : rows) {
        top.add(row, scorer.product(row));
      }
      found.add(top.drain());
    }
    return found;
  }

  private static float[] unit(float[] query) {
    double length = length(query);
    float[] unit = new float[query.length];
    for (int i = 0; i < unit.length && length > 0; i++) {
      unit[i] = (float) (query[i] / length);
    }
    return unit;
  }

  /**
   * Writes the index to a folder, which may be the one that it was opened from or saved to before:
   * then of the vectors only what is new since is written, at most 64 MiB more, and the graph. What
   * the folder holds is replaced only when all is on disk.
   *
   * @throws IOException if it cannot be written, or the folder holds another index
   */
  public synchronized void save(Path folder) throws IOException {
    int rows = vectors.size();
    IndexFolder.save(folder, FORMAT, vectors, origin, file -> graph.write(file, rows));
  }

  @Override
  public void close() {
    vectors.close();
  }

  /** Says how the graph is made. Not safe for use by several threads. */
  public static final class Builder {
    private final int dimensions;
    private int degree = 32;
    private int buildBeam = 100;
    private int searchBeam = 100;
    private int threads = Runtime.getRuntime().availableProcessors();

    private Builder(int dimensions) {
      this.dimensions = dimensions;
    }

    /** Edges of a vector, at most; 32 by default. More find more and take longer. */
    public Builder optDegree(int degree) {
      this.degree = within("degree", degree, 2, MAX_DEGREE);
      return this;
    }

    /** How many vectors near a new one are looked at as its neighbours; 100 by default. */
    public Builder optBuildBeam(int beam) {
      this.buildBeam = within("beam", beam, 1, 1 << 16);
      return this;
    }

    /** How many vectors a search keeps on its way, or k if that is more; 100 by default. */
    public Builder optSearchBeam(int beam) {
      this.searchBeam = within("beam", beam, 1, 1 << 16);
      return this;
    }

    /**
     * Threads that connect vectors which are added in one call; all cores by default. With 1, the
     * same vectors give the same graph.
     */
    public Builder optThreads(int threads) {
      this.threads = within("number of threads", threads, 1, 1024);
      return this;
    }

    private static int within(String what, int value, int least, int most) {
      if (value < least || value > most) {
        throw new IllegalArgumentException(
            "the " + what + " is " + least + " to " + most + ", found " + value);
      }
      return value;
    }

    /** Makes an empty index. */
    public ApproximateIndex build() {
      Vectors vectors = new Vectors(Layout.ROWS, dimensions);
      Graph graph = new Graph(vectors, degree, buildBeam, pool());
      return new ApproximateIndex(vectors, new IndexFolder.Origin(), graph, searchBeam);
    }

    private ApproximateIndex open(IndexFolder stored) throws IOException {
      Vectors vectors = new Vectors(Layout.ROWS, dimensions);
      IndexFolder.Origin origin = new IndexFolder.Origin();
      stored.load(vectors, origin);
      Path file = stored.attachment();
      if (file == null) {
        throw new IOException("the index has no graph");
      }
      Graph graph = Graph.read(file, vectors, buildBeam, pool());
      return new ApproximateIndex(vectors, origin, graph, searchBeam);
    }

    /** Its threads end by themselves when they have nothing to do. */
    private ForkJoinPool pool() {
      return new ForkJoinPool(threads);
    }
  }
}
