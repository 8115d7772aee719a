package org.clip4j.search;

import com.google.gson.annotations.SerializedName;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import org.clip4j.io.Limits;
import org.clip4j.search.internal.VectorCheck;

/**
 * Vectors of equal length, appended and never changed, in pieces of bounded size: some mapped from
 * files, the last perhaps in memory. One thread at a time appends while others read what they got
 * from {@link #pieces}.
 */
final class Vectors {
  /** Far beyond any embedding; bounds what a header can ask for. */
  static final int MAX_DIMENSIONS = 1 << 16;

  /** Rows of a block in {@link Arrangement#COLUMNS}: one row's values then lie this far apart. */
  static final int BLOCK = 256;

  /** Values in a full piece, 64 MiB: what {@link IndexFolder} writes anew for one more row. */
  private static final int PIECE_VALUES = 1 << 24;

  /** How the values of a piece follow each other. */
  enum Arrangement {
    /** Row after row, as in a NumPy array of shape (N, E): one row is read quickly. */
    @SerializedName("rows")
    ROWS,
    /**
     * Blocks of {@link #BLOCK} rows, within them value after value, shape (N / 256, E, 256): all
     * rows are scored quickly, since the compiler turns a loop over rows into vector instructions,
     * and none over the values of one row.
     */
    @SerializedName("columns")
    COLUMNS
  }

  /**
   * Vectors that follow each other.
   *
   * @param values whole rows or, in columns, whole blocks; what is beyond the count is not looked
   *     at
   * @param first number of the first row
   * @param count of rows
   */
  record Piece(Arrangement layout, int dimensions, FloatBuffer values, int first, int count) {

    int end() {
      return first + count;
    }

    boolean isMapped() {
      return !values.hasArray();
    }

    /** Copies a row, by its number in the index. */
    void copy(int row, float[] into) {
      int at = row - first;
      if (layout == Arrangement.ROWS) {
        values.get(at * dimensions, into, 0, dimensions);
      } else {
        int start = at / BLOCK * BLOCK * dimensions + at % BLOCK;
        for (int i = 0; i < dimensions; i++) {
          into[i] = values.get(start + i * BLOCK);
        }
      }
    }
  }

  private final Arrangement layout;
  private final int dimensions;
  private final int rowsPerPiece;
  private volatile List<Piece> pieces = List.of(); // null when closed

  /**
   * @param layout of rows that are added
   */
  Vectors(Arrangement layout, int dimensions) {
    this.layout = layout;
    this.dimensions = Limits.within("values of a vector", 1, MAX_DIMENSIONS, dimensions);
    rowsPerPiece = PIECE_VALUES / dimensions / BLOCK * BLOCK;
  }

  int dimensions() {
    return dimensions;
  }

  int size() {
    return size(pieces());
  }

  static int size(List<Piece> pieces) {
    return pieces.isEmpty() ? 0 : pieces.get(pieces.size() - 1).end();
  }

  /** The vectors that there are now. */
  List<Piece> pieces() {
    List<Piece> now = pieces;
    if (now == null) {
      throw new IllegalStateException("the index is closed");
    }
    return now;
  }

  /** A copy of a row. */
  float[] row(int row) {
    float[] vector = new float[dimensions];
    for (Piece piece : pieces()) {
      if (row >= piece.first && row < piece.end()) {
        piece.copy(row, vector);
        return vector;
      }
    }
    throw new IndexOutOfBoundsException("there is no row " + row + "; there are " + size());
  }

  /** Appends rows that are in a buffer, which must never change. */
  synchronized void append(Arrangement layout, FloatBuffer values, int count) {
    List<Piece> now = pieces();
    int first = size(now);
    Math.addExact(first, count);
    publish(now, now.size(), new Piece(layout, dimensions, values, first, count));
  }

  /** Copies the last piece into memory if it has room, so that it grows instead of a new one. */
  private void loadTail() {
    List<Piece> now = pieces();
    Piece tail = now.isEmpty() ? null : now.get(now.size() - 1);
    if (tail == null || !tail.isMapped() || tail.layout != layout || tail.count >= rowsPerPiece) {
      return;
    }
    float[] values = new float[tail.values.capacity()];
    tail.values.get(0, values);
    publish(
        now,
        now.size() - 1,
        new Piece(layout, dimensions, FloatBuffer.wrap(values), tail.first, tail.count));
  }

  /** Appends copies; all or none. */
  synchronized void add(float[]... vectors) {
    for (int i = 0; i < vectors.length; i++) {
      VectorCheck.of(vectors[i], dimensions, vectors.length == 1 ? "the vector" : "vector " + i);
    }
    Math.addExact(size(), vectors.length);
    if (vectors.length > 0) {
      loadTail();
    }
    for (int done = 0; done < vectors.length; ) {
      List<Piece> now = pieces();
      Piece tail = now.isEmpty() ? null : now.get(now.size() - 1);
      boolean open = tail != null && !tail.isMapped() && tail.count < rowsPerPiece;
      int used = open ? tail.count : 0;
      int count = Math.min(vectors.length - done, rowsPerPiece - used);
      FloatBuffer values = room(open ? tail.values : FloatBuffer.allocate(0), used + count);
      for (int i = 0; i < count; i++) {
        // Readers of older pieces do not look beyond their count.
        put(values, used + i, vectors[done + i]);
      }
      int first = open ? tail.first : size(now);
      publish(
          now,
          open ? now.size() - 1 : now.size(),
          new Piece(layout, dimensions, values, first, used + count));
      done += count;
    }
  }

  /** The number of the first row that is in memory, or how many rows there are. */
  static int mapped(List<Piece> pieces) {
    for (Piece piece : pieces) {
      if (!piece.isMapped()) {
        return piece.first;
      }
    }
    return size(pieces);
  }

  /** The buffer itself if so many rows fit into it, else a longer copy. */
  private FloatBuffer room(FloatBuffer values, int rows) {
    int unit = layout == Arrangement.COLUMNS ? BLOCK : 1;
    int needed = (rows + unit - 1) / unit * unit * dimensions;
    if (needed <= values.capacity()) {
      return values;
    }
    int most = rowsPerPiece * dimensions;
    int doubled = (int) Math.min(most, 2L * values.capacity());
    return FloatBuffer.wrap(Arrays.copyOf(values.array(), Math.max(needed, doubled)));
  }

  private void put(FloatBuffer values, int at, float[] vector) {
    if (layout == Arrangement.ROWS) {
      values.put(at * dimensions, vector, 0, dimensions);
      return;
    }
    int start = at / BLOCK * BLOCK * dimensions + at % BLOCK;
    for (int i = 0; i < dimensions; i++) {
      values.put(start + i * BLOCK, vector[i]);
    }
  }

  private void publish(List<Piece> now, int index, Piece piece) {
    Piece[] next = now.toArray(new Piece[Math.max(now.size(), index + 1)]);
    next[index] = piece;
    pieces = List.of(next);
  }

  /** Checks what a search is asked for. */
  void checkSearch(float[][] queries, int k) {
    if (k < 1) {
      throw new IllegalArgumentException("a search finds at least 1 row, asked for " + k);
    }
    for (int i = 0; i < queries.length; i++) {
      VectorCheck.of(queries[i], dimensions, queries.length == 1 ? "the query" : "query " + i);
    }
  }

  void close() {
    pieces = null;
  }
}
