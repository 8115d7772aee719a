package org.clip4j;

import java.io.Serializable;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/**
 * A zero-shot classifier's arithmetic.
 *
 * @param labels a vector of unit length for each
 * @param background vectors of unit length, at least one
 * @param scale of cosines, to logits
 * @param bias of a sigmoid model's logits
 */
record LabelVectors(
    float[][] labels, float[][] background, Probabilities kind, double scale, double bias)
    implements Serializable {

  double[] cosines(float[] embedding) {
    return cosines(labels, embedding);
  }

  private static double[] cosines(float[][] vectors, float[] embedding) {
    return Stream.of(vectors).mapToDouble(vector -> Clip.cosine(embedding, vector)).toArray();
  }

  /**
   * Of each label.
   *
   * @param cosines of this embedding
   */
  double[] probabilities(double[] cosines, float[] embedding) {
    return switch (kind) {
      case SOFTMAX -> softmax(cosines);
      case SIGMOID -> logistic(cosines, 0, bias);
      case BACKGROUND -> logistic(cosines, nearestBackground(embedding), 0);
    };
  }

  double[] probabilities(float[] embedding) {
    return probabilities(cosines(embedding), embedding);
  }

  private double[] softmax(double[] cosines) {
    double max = max(cosines);
    double[] values =
        DoubleStream.of(cosines).map(cosine -> Math.exp(scale * (cosine - max))).toArray();
    double sum = DoubleStream.of(values).sum();
    return DoubleStream.of(values).map(value -> value / sum).toArray();
  }

  private double[] logistic(double[] cosines, double from, double added) {
    return DoubleStream.of(cosines)
        .map(cosine -> 1 / (1 + Math.exp(-(scale * (cosine - from) + added))))
        .toArray();
  }

  private double nearestBackground(float[] embedding) {
    return max(cosines(background, embedding));
  }

  private static double max(double[] values) {
    return DoubleStream.of(values).max().orElseThrow();
  }

  /**
   * How clear an answer is, in [0, 1].
   *
   * @param probabilities of this embedding
   */
  double clarity(UnknownRule.Score score, double[] probabilities, float[] embedding) {
    return switch (score) {
      case MARGIN -> {
        double[] sorted = DoubleStream.of(probabilities).sorted().toArray();
        yield sorted[sorted.length - 1] - sorted[sorted.length - 2];
      }
      case ENTROPY -> {
        double sum = DoubleStream.of(probabilities).sum();
        double entropy =
            DoubleStream.of(probabilities)
                .map(value -> value / sum)
                .filter(share -> share != 0)
                .map(share -> -share * Math.log(share))
                .sum();
        yield Math.max(0, 1 - entropy / Math.log(probabilities.length));
      }
      case BACKGROUND -> {
        double[] best = {max(cosines(embedding))};
        yield logistic(best, nearestBackground(embedding), 0)[0];
      }
    };
  }
}
