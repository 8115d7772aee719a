package org.clip4j.data;

/**
 * A place in a loader's endless row of batches, to resume from; save it with a checkpoint.
 *
 * @param epoch from 0
 * @param batch index in the epoch, from 0
 * @param offset how many of the epoch's shuffled pairs lie before it, unreadable ones included
 */
public record LoaderPosition(int epoch, int batch, int offset) {

  /** Where a loader starts unless told otherwise. */
  public static final LoaderPosition START = new LoaderPosition(0, 0, 0);

  /** Checks that nothing is negative. */
  public LoaderPosition {
    if (epoch < 0 || batch < 0 || offset < 0) {
      throw new IllegalArgumentException(
          "epoch, batch and offset must not be negative, found "
              + epoch
              + ", "
              + batch
              + ", "
              + offset);
    }
  }
}
