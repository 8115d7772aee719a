package org.clip4j.data;

import java.util.List;

/**
 * Counts the damaged pairs that a loader has left out so far.
 *
 * @param count of pairs whose image or caption could not be read
 * @param names of the first 100 of them
 */
public record UnreadableImages(int count, List<String> names) {

  /** Makes the names unmodifiable. */
  public UnreadableImages {
    names = List.copyOf(names);
  }
}
