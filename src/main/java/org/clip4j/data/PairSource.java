package org.clip4j.data;

import java.util.List;

/**
 * Image-text pairs with random access. Implementations are immutable and safe for use by several
 * threads.
 */
public interface PairSource {

  /** The number of pairs. */
  int size();

  /**
   * One pair.
   *
   * @param index from 0 to {@link #size()} - 1
   */
  ImageTextPair get(int index);

  /** Only the pairs at these indices, in this order. */
  default PairSource select(List<Integer> indices) {
    List<Integer> kept = List.copyOf(indices);
    PairSource all = this;
    return new PairSource() {
      @Override
      public int size() {
        return kept.size();
      }

      @Override
      public ImageTextPair get(int index) {
        return all.get(kept.get(index));
      }
    };
  }
}
