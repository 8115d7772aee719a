package org.clip4j.search;

/**
 * A short form of rows, up to {@link Vectors#BLOCK} of them at a time.
 *
 * @param <C> the codes of a block
 */
interface Coding<C> {

  /**
   * Encodes rows.
   *
   * @param count of the rows that there are
   * @param factors receives by what products with the codes are to be multiplied: one factor for
   *     all rows, or one for each
   */
  C encode(float[][] rows, int count, float[] factors);

  /** Counts the bytes of the codes of so many rows. */
  long bytes(int count);

  /** Prepares a query. */
  Scorer<C> scorer(float[] query);

  /** A query that is compared with codes. */
  @FunctionalInterface
  interface Scorer<C> {
    /**
     * Computes the products with the codes of so many rows.
     *
     * @param products receives one for each row
     */
    void score(C codes, int count, double[] products);
  }
}
