package org.clip4j.data;

import java.io.IOException;

/**
 * Holds a pair of an {@link EpochCursor} whose turn has come, not read yet.
 *
 * @param id the same whenever this pair comes, and no other's in its feed
 * @param index in its {@link PairSource}, -1 where pairs have none
 * @param visit tells this turn from the pair's others, so that captions and augmentation are drawn
 *     anew; the epoch, unless pairs repeat within one
 * @param feed the name of what it comes from
 * @param reading gets image source and captions
 */
public record Drawn(long id, int index, long visit, String feed, Reading reading) {

  /** Reads a pair's text, on a decode thread. */
  public interface Reading {

    /** Returns what messages call the pair before it is read. */
    String name();

    /**
     * Returns the captions, and the image, not decoded yet.
     *
     * @throws IOException if the pair is damaged; the message says how
     */
    ImageTextPair pair() throws IOException;
  }
}
