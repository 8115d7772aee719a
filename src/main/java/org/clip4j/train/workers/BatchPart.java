package org.clip4j.train.workers;

import java.io.Serializable;
import java.util.List;

/**
 * Holds consecutive pairs of a batch, as a worker needs them.
 *
 * @param index of the part in the batch
 * @param firstRow row of the batch at which it begins
 * @param micro its micro-batches, at least one
 */
public record BatchPart(int index, int firstRow, List<MicroBatchData> micro)
    implements Serializable {

  /** Counts the pairs. */
  public int size() {
    return micro.stream().mapToInt(MicroBatchData::size).sum();
  }
}
