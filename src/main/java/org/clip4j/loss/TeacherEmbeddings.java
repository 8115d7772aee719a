package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.List;
import org.clip4j.engine.internal.HostMemory;

/**
 * Holds what a larger model, the teacher, makes of the pairs of a batch, for a {@link
 * ContrastiveLoss} to imitate.
 */
public final class TeacherEmbeddings {
  /** No teacher: the pairs alone say what belongs together. */
  public static final TeacherEmbeddings NONE =
      new TeacherEmbeddings(new float[0][], new float[0][], 1);

  private final float[][] images;
  private final float[][] texts;
  private final double logitScale;

  /**
   * Takes a batch's embeddings.
   *
   * @param images N rows of unit length; not copied, as are the texts
   * @param texts N rows of the same length
   * @param logitScale the teacher's own, by which its cosine similarities are multiplied
   * @throws IllegalArgumentException if there is not a text for each image, or rows differ in
   *     length
   */
  public TeacherEmbeddings(float[][] images, float[][] texts, double logitScale) {
    if (images.length != texts.length) {
      throw new IllegalArgumentException(
          "a teacher's " + images.length + " images do not go with its " + texts.length + " texts");
    }
    for (int i = 0; i < images.length; i++) {
      if (images[i].length != images[0].length || texts[i].length != images[0].length) {
        throw new IllegalArgumentException(
            "a teacher's images and texts need embeddings of one length, found "
                + images[0].length
                + ", "
                + images[i].length
                + " and "
                + texts[i].length);
      }
    }
    this.images = images;
    this.texts = texts;
    this.logitScale = logitScale;
  }

  /** Images [N, E], texts [N, E] and the logit scale; without a teacher N is 0. */
  List<NDArray> upload(NDManager manager, int n) {
    if (this != NONE && images.length != n) {
      throw new IllegalArgumentException(
          "a teacher's " + images.length + " pairs do not fit a batch of " + n);
    }
    return List.of(
        upload(manager, images), upload(manager, texts), manager.create((float) logitScale));
  }

  private static NDArray upload(NDManager manager, float[][] rows) {
    int width = rows.length == 0 ? 1 : rows[0].length;
    FloatBuffer all = FloatBuffer.allocate(rows.length * width);
    for (float[] row : rows) {
      all.put(row);
    }
    return HostMemory.upload(manager, new Shape(rows.length, width), all.flip());
  }
}
