package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An image encoder: pixels to embeddings. */
interface ImageTower {

  /**
   * Encodes a batch.
   *
   * @param pixels [N, 3, height, width], float32, normalised; its manager owns all that is made
   * @param kept [N, K], int64, the patches of each image that are looked at, numbered row by row
   *     from 0; null for all
   * @param hiddenStates given the output of the embedding and of each block; null if not wanted
   * @return [N, E], not normalised
   */
  NDArray forward(Forward pass, NDArray pixels, NDArray kept, Consumer<NDArray> hiddenStates);

  /**
   * Computes the first blocks alone.
   *
   * @param pixels [N, 3, height, width], float32, normalised; its manager owns all that is made
   * @param hiddenStates given the output of the embedding and of each of these blocks
   * @throws IllegalArgumentException if the tower has no patches
   */
  void states(Forward pass, NDArray pixels, int blocks, Consumer<NDArray> hiddenStates);

  /**
   * Encodes one image, recording what leads to its embedding.
   *
   * @param pixels [1, 3, height, width], float32, normalised; its manager owns all that is made
   */
  Trace trace(NDArray pixels);

  /**
   * What the head makes of each patch alone, as if it were all that the last block gave.
   *
   * @param state [1, L, D], the last state of a trace
   * @return [patches, E], not normalised
   * @throws IllegalArgumentException if the tower has no patches
   */
  NDArray embedPatches(NDArray state);

  /** Returns the activation of the weights that can be laid out; null where none can. */
  @Nullable Activation activation();

  /**
   * Lays the weights out for inference.
   *
   * @param linear lays them out and owns them; null to go back to the weights as they are
   */
  void prepare(PreparedLinear linear);
}
