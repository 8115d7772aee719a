package org.clip4j.eval.probe;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.internal.Dot;

/**
 * Computes K linear functions of D features; the largest names the class. Immutable and safe for
 * use by several threads.
 */
public final class LinearClassifier implements EmbeddingClassifier {
  private final float[][] weights; // [K][D]
  private final float[] intercepts; // [K]

  LinearClassifier(float[][] weights, float[] intercepts) {
    this.weights = weights;
    this.intercepts = intercepts;
  }

  /** From W row by row, then b. */
  static LinearClassifier of(double[] x, int classes, int width) {
    float[][] weights = new float[classes][width];
    float[] intercepts = new float[classes];
    for (int k = 0; k < classes; k++) {
      for (int d = 0; d < width; d++) {
        weights[k][d] = (float) x[k * width + d];
      }
      intercepts[k] = (float) x[classes * width + k];
    }
    return new LinearClassifier(weights, intercepts);
  }

  /** Returns how many classes there are, K. */
  public int classes() {
    return weights.length;
  }

  /** Returns how many features there are, D. */
  public int width() {
    return weights[0].length;
  }

  /** Returns a copy of the weights: for each class D values. */
  public float[][] weights() {
    return Arrays.stream(weights).map(float[]::clone).toArray(float[][]::new);
  }

  /** Returns a copy of the intercepts: one for each class. */
  public float[] intercepts() {
    return intercepts.clone();
  }

  /**
   * Computes the logits of an example.
   *
   * @param features D values
   * @return K values; their softmax are the probabilities
   */
  public float[] logits(float[] features) {
    if (features.length != width()) {
      throw new IllegalArgumentException(
          "the classifier was made of "
              + width()
              + " features, found "
              + features.length
              + "; they come from another model");
    }
    float[] logits = new float[weights.length];
    for (int k = 0; k < logits.length; k++) {
      logits[k] = Dot.of(features, weights[k]) + intercepts[k];
    }
    return logits;
  }

  /** Returns the logits. */
  @Override
  public float[] scores(float[] features) {
    return logits(features);
  }

  /** Computes the logits of examples, in order. */
  public float[][] logits(float[][] features) {
    return IntStream.range(0, features.length)
        .parallel()
        .mapToObj(i -> logits(features[i]))
        .toArray(float[][]::new);
  }

  /** Computes the softmax of the logits: K values that sum to 1. */
  public double[] probabilities(float[] features) {
    return softmax(logits(features));
  }

  static double[] softmax(float[] logits) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double[] probabilities = new double[logits.length];
    double sum = 0;
    for (int k = 0; k < logits.length; k++) {
      probabilities[k] = Math.exp(logits[k] - max);
      sum += probabilities[k];
    }
    for (int k = 0; k < logits.length; k++) {
      probabilities[k] /= sum;
    }
    return probabilities;
  }
}
