package org.clip4j.data;

import java.io.IOException;
import java.util.Map;

/**
 * Gives image-text pairs that training takes epoch by epoch, in an order that a seed fixes. {@link
 * Pairs} makes them; {@link PairSource} is the interface to implement for pairs of one's own.
 * Implementations are safe for use by several threads.
 */
public interface PairFeed {

  /** Returns what messages and the ledger of damaged pairs call the place that a pair came from. */
  String name();

  /**
   * Returns the number of pairs in an epoch, damaged ones included.
   *
   * @throws IOException if they have to be counted, and that fails
   */
  long pairsPerEpoch() throws IOException;

  /**
   * Opens the pairs of an epoch, in the order that these pairs, seed and epoch alone determine.
   *
   * @param epoch from 0
   * @throws IOException if they cannot be opened
   */
  EpochCursor epoch(long seed, int epoch) throws IOException;

  /**
   * Tells these data from others, for a checkpoint: what they come to in few words, by name. Reads
   * the text of all pairs, or for shards the sizes of the files.
   *
   * @throws IOException if that fails
   */
  Map<String, String> digest() throws IOException;
}
