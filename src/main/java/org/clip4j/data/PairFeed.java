package org.clip4j.data;

import java.io.IOException;

/**
 * Image-text pairs that a {@link PairLoader} takes epoch by epoch, in an order that the loader's
 * seed fixes. Implementations are safe for use by several threads.
 */
public sealed interface PairFeed permits PairSource, PairShards, PairMixture {

  /** Says in messages and in the ledger of damaged pairs where a pair came from. */
  String name();

  /**
   * The number of pairs in an epoch, damaged ones included.
   *
   * @throws IOException if they have to be counted, and that fails
   */
  long pairsPerEpoch() throws IOException;

  /**
   * Tells these data from others, for a checkpoint. Reads the text of all pairs, or for shards the
   * sizes of the files.
   *
   * @throws IOException if that fails
   */
  DataDigest digest() throws IOException;
}
