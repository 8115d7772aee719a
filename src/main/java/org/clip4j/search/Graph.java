package org.clip4j.search;

import io.github.jbellis.jvector.disk.RandomAccessReader;
import io.github.jbellis.jvector.graph.GraphIndexBuilder;
import io.github.jbellis.jvector.graph.GraphSearcher;
import io.github.jbellis.jvector.graph.ImmutableGraphIndex.View;
import io.github.jbellis.jvector.graph.NodesIterator;
import io.github.jbellis.jvector.graph.OnHeapGraphIndex;
import io.github.jbellis.jvector.graph.SearchResult;
import io.github.jbellis.jvector.graph.diversity.VamanaDiversityProvider;
import io.github.jbellis.jvector.util.Bits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * A graph over the rows of {@link Vectors}, made and searched by jvector: each row has edges to
 * some of those near it, and a search walks from one fixed row to ever nearer ones. Flat (without
 * HNSW's layers), as in DiskANN (Subramanya et al. 2019), since embeddings have so many dimensions
 * that layers save nothing.
 *
 * <p>Any number of threads may search while one adds.
 */
final class Graph {
  /**
   * How much longer than its limit a row's list of edges may grow before it is pruned, and how much
   * nearer to a neighbour than to the row another must be for its edge to be spared: jvector's
   * recommendations.
   */
  private static final float OVERFLOW = 1.2f;

  private static final float ALPHA = 1.2f;

  // jvector's own format of an in-memory graph, of which its load() wants every field.
  private static final int MAGIC = OnHeapGraphIndex.MAGIC;
  private static final int VERSION = 4;
  private static final int HEADER_INTS = 6;

  /** jvector logs to java.util.logging that Java 17 has no Vector API; kept, or it is forgotten. */
  private static final Logger LOG =
      Logger.getLogger("io.github.jbellis.jvector.vector.VectorizationProvider");

  static {
    if (LOG.getLevel() == null) {
      LOG.setLevel(Level.SEVERE);
    }
  }

  private final Vectors vectors;
  private final int degree;
  private final GraphIndexBuilder builder;
  private final OnHeapGraphIndex graph;
  private final ForkJoinPool pool;
  private final Queue<GraphSearcher> searchers = new ConcurrentLinkedQueue<>();

  /**
   * An empty graph.
   *
   * @param degree edges of a row, at most
   * @param beam rows that inserting another looks at around it
   */
  Graph(Vectors vectors, int degree, int beam, ForkJoinPool pool) {
    this.vectors = vectors;
    this.degree = degree;
    this.pool = pool;
    builder =
        new GraphIndexBuilder(
            new GraphScores(vectors),
            vectors.dimensions(),
            List.of(degree),
            beam,
            OVERFLOW,
            ALPHA,
            false,
            false,
            pool,
            pool);
    graph = (OnHeapGraphIndex) builder.getGraph();
  }

  /** The graph that {@link #write} wrote, to be added to. */
  private Graph(Vectors vectors, ByteBuffer stored, int beam, ForkJoinPool pool)
      throws IOException {
    this.vectors = vectors;
    this.degree = stored.getInt(3 * Integer.BYTES);
    this.pool = pool;
    GraphScores scores = new GraphScores(vectors);
    graph = load(scores, vectors.dimensions(), stored);
    builder =
        new GraphIndexBuilder(
            scores, vectors.dimensions(), graph, beam, OVERFLOW, ALPHA, false, pool, pool);
  }

  @SuppressWarnings("deprecation") // there is no other way to get a graph that can grow
  private static OnHeapGraphIndex load(GraphScores scores, int dimensions, ByteBuffer stored)
      throws IOException {
    return OnHeapGraphIndex.load(
        new IntReader(stored), dimensions, OVERFLOW, new VamanaDiversityProvider(scores, ALPHA));
  }

  int degree() {
    return degree;
  }

  /** Adds the rows from one up to another, which the vectors already hold. */
  void add(int from, int to) {
    if (pool.getParallelism() == 1) {
      IntStream.range(from, to).forEach(this::add);
    } else {
      pool.submit(() -> IntStream.range(from, to).parallel().forEach(this::add)).join();
    }
  }

  private void add(int row) {
    builder.addGraphNode(row, GraphScores.of(vectors, row));
  }

  /**
   * Finds rows near a query.
   *
   * @param query unit length
   * @param beam how many it keeps on its way, at least k
   */
  int[] search(float[] query, int k, int beam) {
    View view = graph.getView(); // the rows whose insertion is complete
    if (view.entryNode() == null) {
      return new int[0];
    }
    GraphSearcher searcher = searchers.poll();
    if (searcher == null) {
      searcher = new GraphSearcher(graph);
    }
    searcher.setView(view);
    // Asked for after the view, so that every row in it is there.
    GraphScores.Scorer scorer = new GraphScores.Scorer(query, vectors.pieces());
    SearchResult found = searcher.search(scorer, k, beam, 0f, 0f, Bits.ALL);
    searchers.add(searcher);
    int[] rows = new int[found.getNodes().length];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = found.getNodes()[i].node;
    }
    return rows;
  }

  /**
   * Writes the graph over the first rows.
   *
   * @param rows all that were added
   * @return checksum of the file
   */
  long write(Path file, int rows) throws IOException {
    CRC32C sum = new CRC32C();
    try (AtomicFile whole = new AtomicFile(file)) {
      ByteBuffer header = ByteBuffer.allocate(HEADER_INTS * Integer.BYTES);
      header.putInt(MAGIC).putInt(VERSION).putInt(1).putInt(degree);
      header.putInt(rows == 0 ? 0 : graph.getView().entryNode().node).putInt(rows);
      put(whole, sum, header.flip());
      ByteBuffer edges = ByteBuffer.allocate(1 << 16); // many times a row's
      for (int row = 0; row < rows; row++) {
        NodesIterator neighbours = graph.getNeighborsIterator(0, row);
        TopK ordered = new TopK(Integer.MAX_VALUE); // load() wants them best first
        GraphScores.Scorer scorer = GraphScores.of(vectors, row);
        while (neighbours.hasNext()) {
          int neighbour = neighbours.nextInt();
          ordered.add(neighbour, scorer.similarityTo(neighbour));
        }
        List<Hit> best = ordered.drain();
        if (edges.remaining() < 8 * (best.size() + 1)) {
          put(whole, sum, edges.flip());
          edges.clear();
        }
        edges.putInt(row).putInt(best.size());
        best.forEach(hit -> edges.putInt(hit.row()).putFloat(hit.score()));
      }
      put(whole, sum, edges.flip());
      whole.commit();
    }
    return sum.getValue();
  }

  private static void put(AtomicFile file, CRC32C sum, ByteBuffer bytes) throws IOException {
    sum.update(bytes.duplicate());
    file.write(bytes);
  }

  /**
   * Reads a graph. Every number is checked before jvector sees it, which trusts what it reads.
   *
   * @throws IOException if the file is no graph over these vectors; the message names it
   */
  static Graph read(Path file, Vectors vectors, int beam, ForkJoinPool pool) throws IOException {
    ByteBuffer stored;
    try (FileChannel channel = FileChannel.open(file)) {
      if (channel.size() > Integer.MAX_VALUE) {
        throw new IOException(file + " has " + channel.size() + " bytes; less than 2 GiB are read");
      }
      stored = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
    }
    int rows = vectors.size();
    if (!isGraph(stored.duplicate(), rows)) {
      throw new IOException(file + " is no graph over " + rows + " rows of this library's");
    }
    return new Graph(vectors, stored, beam, pool);
  }

  private static boolean isGraph(ByteBuffer in, int rows) {
    if (in.remaining() < HEADER_INTS * Integer.BYTES
        || in.getInt() != MAGIC
        || in.getInt() != VERSION
        || in.getInt() != 1) {
      return false;
    }
    int degree = in.getInt();
    int entry = in.getInt();
    if (degree < 1 || degree > ApproximateIndex.MAX_DEGREE || in.getInt() != rows) {
      return false;
    }
    if (entry < 0 || entry >= Math.max(1, rows)) {
      return false;
    }
    for (int row = 0; row < rows; row++) {
      if (in.remaining() < 8 || in.getInt() != row) {
        return false;
      }
      int count = in.getInt();
      if (count < 0 || count > 2 * degree || in.remaining() < 8 * count) {
        return false;
      }
      float last = Float.MAX_VALUE;
      for (int i = 0; i < count; i++) {
        int neighbour = in.getInt();
        float score = in.getFloat();
        if (neighbour < 0 || neighbour >= rows || neighbour == row || !(score <= last)) {
          return false;
        }
        last = score;
      }
    }
    return !in.hasRemaining();
  }

  /** As much of a reader as load() needs. */
  private record IntReader(ByteBuffer bytes) implements RandomAccessReader {
    @Override
    public int readInt() {
      return bytes.getInt();
    }

    @Override
    public float readFloat() {
      return bytes.getFloat();
    }

    @Override
    public long readLong() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void seek(long offset) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long getPosition() {
      return bytes.position();
    }

    @Override
    public void readFully(byte[] into) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void readFully(ByteBuffer into) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void readFully(long[] into) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void read(int[] into, int offset, int count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void read(float[] into, int offset, int count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long length() {
      return bytes.capacity();
    }

    @Override
    public void close() {
      // the mapping goes when nobody refers to it
    }
  }
}
