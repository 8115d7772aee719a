package org.clip4j.eval;

import org.clip4j.encode.ClassWeights;
import org.clip4j.eval.internal.Dot;

/**
 * What says how well an image's embedding fits each of C classes: class names as vectors, or a
 * probe. Any number of threads may call one.
 */
@FunctionalInterface
public interface EmbeddingClassifier {

  /**
   * Scores.
   *
   * @param embedding E values, unit length
   * @return C values, the class that fits best the largest
   */
  float[] scores(float[] embedding);

  /**
   * By cosine similarity.
   *
   * @param classes C vectors of E values, unit length, as {@link ClassWeights} gives them
   */
  static EmbeddingClassifier cosine(float[][] classes) {
    return embedding -> {
      float[] scores = new float[classes.length];
      for (int c = 0; c < scores.length; c++) {
        scores[c] = Dot.of(embedding, classes[c]);
      }
      return scores;
    };
  }
}
