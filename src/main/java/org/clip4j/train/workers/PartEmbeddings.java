package org.clip4j.train.workers;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Embeddings of pairs, or their gradients.
 *
 * @param images row-major [n, E]
 * @param texts row-major [n, E]
 */
public record PartEmbeddings(float[] images, float[] texts) implements Serializable {

  /** Returns those of some consecutive pairs. */
  public PartEmbeddings rows(int from, int to, int embedDim) {
    return new PartEmbeddings(
        Arrays.copyOfRange(images, from * embedDim, to * embedDim),
        Arrays.copyOfRange(texts, from * embedDim, to * embedDim));
  }
}
