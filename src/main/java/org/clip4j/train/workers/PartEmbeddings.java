package org.clip4j.train.workers;

import java.io.Serializable;
import java.util.Arrays;

/** Holds the embeddings of pairs, or their gradients. Arrays are not copied. */
public final class PartEmbeddings implements Serializable {
  private static final long serialVersionUID = 1;

  private final float[] images;
  private final float[] texts;

  /**
   * Takes the arrays as they are.
   *
   * @param images row-major [n, E]
   * @param texts row-major [n, E]
   */
  public PartEmbeddings(float[] images, float[] texts) {
    this.images = images;
    this.texts = texts;
  }

  /** Returns those of the images, row-major [n, E]. */
  public float[] images() {
    return images;
  }

  /** Returns those of the texts, row-major [n, E]. */
  public float[] texts() {
    return texts;
  }

  /** Returns those of some consecutive pairs. */
  public PartEmbeddings rows(int from, int to, int embedDim) {
    return new PartEmbeddings(
        Arrays.copyOfRange(images, from * embedDim, to * embedDim),
        Arrays.copyOfRange(texts, from * embedDim, to * embedDim));
  }
}
