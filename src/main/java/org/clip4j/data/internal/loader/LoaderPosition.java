package org.clip4j.data.internal.loader;

import org.clip4j.io.Limits;

/**
 * A place in a loader's endless row of batches, to resume from; save it with a checkpoint. It also
 * carries the count of the pairs before it, of all epochs: those read are those used and those
 * skipped, exactly.
 *
 * @param epoch from 0
 * @param batch index in the epoch, from 0
 * @param offset how many pairs of the epoch's order lie before it, damaged ones included
 * @param read pairs whose turn came: {@code used + skipped}
 * @param used pairs in batches
 * @param skipped pairs left out since they were damaged; a pair counts each time its turn comes
 */
public record LoaderPosition(
    int epoch, int batch, long offset, long read, long used, long skipped) {

  /** Where a loader starts unless told otherwise. */
  public static final LoaderPosition START = new LoaderPosition(0, 0, 0, 0, 0, 0);

  /** Checks that nothing is negative and that the counts add up. */
  public LoaderPosition {
    for (long each : new long[] {epoch, batch, offset, used, skipped}) {
      Limits.atLeast("epoch, batch, offset and counts", 0, each);
    }
    if (read != used + skipped) {
      throw new IllegalArgumentException(
          read + " pairs read are not " + used + " used and " + skipped + " skipped");
    }
  }
}
