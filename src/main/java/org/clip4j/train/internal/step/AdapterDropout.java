package org.clip4j.train.internal.step;

import org.clip4j.data.internal.loader.PairBatch;
import org.clip4j.io.SeededRandom;

/**
 * Numbers the pairs of a training, so that it follows from a pair's number what an adapter's
 * dropout leaves out of it, whichever micro-batch the pair is in.
 *
 * @param seed of the training
 */
record AdapterDropout(long seed) {
  /** First key of the draws. */
  private static final long ROWS = 0x4c6f5241526f7773L;

  /** Returns the numbers, of 32 bits, of some pairs of a batch. */
  long[] rows(PairBatch batch, int from, int to) {
    long[] numbers = new long[to - from];
    for (int row = from; row < to; row++) {
      numbers[row - from] =
          new SeededRandom(ROWS, seed, batch.epoch(), batch.indexInEpoch(), row).nextLong() >> 32;
    }
    return numbers;
  }
}
