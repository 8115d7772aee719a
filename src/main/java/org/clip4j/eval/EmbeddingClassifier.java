package org.clip4j.eval;

import org.clip4j.encode.ClassWeights;
import org.clip4j.eval.internal.Dot;

/**
 * Says how well an image's embedding fits each of C classes, by class names as vectors or by a
 * probe. Any number of threads may call one.
 */
@FunctionalInterface
public interface EmbeddingClassifier {

  /**
   * Computes the score of each class.
   *
   * @param embedding E values, unit length
   * @return C values, the class that fits best the largest
   */
  float[] scores(float[] embedding);

  /**
   * Makes a classifier by cosine similarity.
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
