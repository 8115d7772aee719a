package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import java.util.function.Consumer;

/** A text encoder: token ids to embeddings. */
interface TextTower {

  /**
   * Encodes a batch.
   *
   * @param ids [N, L], int64, L at most the context length; its manager owns all that is made
   * @param hiddenStates given the output of the embedding and of each block; null if not wanted
   * @return [N, E], not normalised
   */
  NDArray forward(Forward pass, NDArray ids, Consumer<NDArray> hiddenStates);

  /**
   * Encodes one text, recording what leads to its embedding.
   *
   * @param ids [1, L], int64; its manager owns all that is made
   */
  Trace trace(NDArray ids);

  /** Returns the activation of the weights that can be laid out. */
  Activation activation();

  /** See {@link ImageTower#prepare}. */
  void prepare(PreparedLinear linear);
}
