package org.clip4j.data;

import java.util.ArrayList;
import java.util.List;
import org.clip4j.io.Limits;
import org.clip4j.io.SeededRandom;

/**
 * Holds pairs that were divided in two at random, see {@link PairSource#split(double, long)}.
 *
 * @param train the pairs to train on, in the order of the source
 * @param heldOut the pairs kept for testing, in the order of the source
 * @param heldOutIndices which pairs of the source are held out, ascending; written to a file they
 *     let a program in any language use the same split
 */
public record Split(PairSource train, PairSource heldOut, List<Integer> heldOutIndices) {

  /** Makes the indices unmodifiable. */
  public Split {
    heldOutIndices = List.copyOf(heldOutIndices);
  }

  static Split of(PairSource source, double heldOutFraction, long seed) {
    Limits.fraction("the held-out fraction", heldOutFraction);
    int size = source.size();
    int count = (int) Math.round(size * heldOutFraction);
    if (count == 0 || count == size) {
      throw new IllegalArgumentException(
          "holding out a fraction of "
              + heldOutFraction
              + " of "
              + size
              + " pairs leaves one side empty; choose another fraction or add pairs");
    }
    int[] order = new SeededRandom(SeededRandom.SPLIT, seed).permutation(size);
    boolean[] held = new boolean[size];
    for (int i = 0; i < count; i++) {
      held[order[i]] = true;
    }
    List<Integer> train = new ArrayList<>(size - count);
    List<Integer> heldOut = new ArrayList<>(count);
    for (int i = 0; i < size; i++) {
      (held[i] ? heldOut : train).add(i);
    }
    return new Split(source.select(train), source.select(heldOut), heldOut);
  }
}
