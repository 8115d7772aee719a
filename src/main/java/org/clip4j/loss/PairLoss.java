package org.clip4j.loss;

import ai.djl.ndarray.NDArray;

/** A loss over a batch of pairs, of which row n of the images belongs to row n of the texts. */
public interface PairLoss {

  /**
   * The loss of a batch; recorded for gradients.
   *
   * @param image [N, E], unit length; its manager owns the result
   * @param text [N, E], unit length
   * @param groups N numbers: pairs with equal ones (the same caption, say) do not count as each
   *     other's negatives; null if every other pair is a negative
   * @return scalar
   */
  NDArray loss(NDArray image, NDArray text, int[] groups);
}
