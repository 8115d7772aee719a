package org.clip4j.data;

import java.util.List;

/**
 * The images that a loader could not read so far.
 *
 * @param count of pairs left out for their image
 * @param names of the first 100 of them
 */
public record UnreadableImages(int count, List<String> names) {

  /** Makes the names unmodifiable. */
  public UnreadableImages {
    names = List.copyOf(names);
  }
}
