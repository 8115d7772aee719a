package org.clip4j.search;

import java.util.List;

/**
 * Vectors among which the most similar to a query are found. Similarity is the inner product, which
 * for embeddings (unit length) is their cosine.
 *
 * <p>Any number of threads may search one index, also while another adds to it; a search sees the
 * rows that were there when it began. After {@link #close} every method throws {@link
 * IllegalStateException}; a search under way ends as if nothing had happened.
 */
public interface VectorIndex extends AutoCloseable {

  /** E, the length of every vector. */
  int dimensions();

  /** How many rows there are. */
  int size();

  /**
   * Appends rows; their numbers follow those that are there.
   *
   * @param vectors E finite values each; copied
   * @throws IllegalArgumentException if one has another length or a value that is not finite; then
   *     none is added
   */
  void add(float[]... vectors);

  /**
   * A copy of a row.
   *
   * @throws IndexOutOfBoundsException if there is no such row
   */
  float[] vector(int row);

  /**
   * Finds the rows most similar to a query.
   *
   * @param query E finite values
   * @param k how many rows, at least 1
   * @return the k best, or all rows if there are fewer: the most similar first, and of equally
   *     similar ones the lower row
   */
  default List<Hit> search(float[] query, int k) {
    return search(new float[][] {query}, k).get(0);
  }

  /**
   * As {@link #search(float[], int)} for several queries at once, which costs less than one after
   * the other and gives the same.
   *
   * @return one list for each query, in order
   */
  List<List<Hit>> search(float[][] queries, int k);

  /**
   * Gives the vectors up. Files stay mapped until Java's collector finds that nobody reads them.
   */
  @Override
  void close();
}
