package org.clip4j.data;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Goes through the pairs of one epoch in their order. Used by one thread. */
public interface EpochCursor extends AutoCloseable {

  /** Returns the next pair, not read yet; null after the last. */
  @Nullable Drawn next() throws IOException;

  /**
   * Passes over so many pairs, as calls of {@link #next} would, but need not look at them.
   *
   * @return how many there were, less than asked for only at the end
   */
  long skip(long count) throws IOException;

  /** Returns the number of pairs in the whole epoch; -1 if only the end will tell. */
  long size();

  @Override
  void close() throws IOException;
}
