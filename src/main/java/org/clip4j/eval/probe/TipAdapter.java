package org.clip4j.eval.probe;

import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import org.clip4j.eval.EmbeddingClassifier;
import org.clip4j.eval.ProbeAccuracy;
import org.clip4j.eval.internal.Dot;
import org.clip4j.eval.internal.LabelledFeatures;
import org.clip4j.io.Limits;

/**
 * Classifies as Tip-Adapter does (Zhang et al. 2022, arXiv 2207.09519): zero-shot classification
 * that also asks a few labelled examples. Of an embedding f, class embeddings W and a cache of M
 * examples with the embeddings F and the labels L (one-hot), the logits are
 *
 * <pre>100 f W^T + alpha * exp(-beta (1 - f F^T)) L</pre>
 *
 * <p>Nothing is trained; alpha says how much the examples count, beta how near an example must be.
 * {@link TipAdapterTraining} makes Tip-Adapter-F of it, whose cached embeddings are trained.
 * Immutable and safe for use by several threads.
 */
public final class TipAdapter implements EmbeddingClassifier {
  /**
   * The factor by which the paper's formula multiplies cosine similarities: OpenAI's models' logit
   * scale.
   */
  public static final double DEFAULT_LOGIT_SCALE = 100;

  /** The paper's alpha (section 4.4, on ImageNet), where no examples choose it. */
  public static final double DEFAULT_ALPHA = 1;

  /** The paper's beta. */
  public static final double DEFAULT_BETA = 5.5;

  // The grid of the authors' code for ImageNet: 0.1 + i (last - 0.1) / steps.
  private static final double FIRST = 0.1;
  private static final double LAST_BETA = 7;
  private static final int BETA_STEPS = 200;
  private static final double LAST_ALPHA = 3;
  private static final int ALPHA_STEPS = 20;

  private final float[][] keys; // [M][E]
  private final int[] labels; // [M]
  private final float[][] words; // [C][E]
  private final double scale;
  private final double alpha;
  private final double beta;

  private TipAdapter(
      float[][] keys, int[] labels, float[][] words, double scale, double alpha, double beta) {
    this.keys = keys;
    this.labels = labels;
    this.words = words;
    this.scale = scale;
    this.alpha = alpha;
    this.beta = beta;
  }

  /**
   * Makes a cache of labelled examples, with the paper's alpha and beta.
   *
   * @param features M embeddings of E values; they are scaled to unit length
   * @param labels for each the index of its class
   * @param classWeights C embeddings of the classes' prompts, E values each, of unit length, as
   *     {@link org.clip4j.encode.ClassWeights} gives them
   * @throws IllegalArgumentException if there are no examples or classes, or they do not fit
   */
  public static TipAdapter of(float[][] features, int[] labels, float[][] classWeights) {
    if (classWeights.length < 2) {
      throw new IllegalArgumentException(
          "a classifier tells at least 2 classes apart, found embeddings of "
              + classWeights.length);
    }
    LabelledFeatures.check("cached", features, labels, classWeights.length);
    int width = features[0].length;
    for (int c = 0; c < classWeights.length; c++) {
      if (classWeights[c].length != width) {
        throw new IllegalArgumentException(
            "the embedding of class "
                + c
                + " has "
                + classWeights[c].length
                + " values, and the cached examples have "
                + width
                + "; they come from different models");
      }
    }
    return new TipAdapter(
        unit(features),
        labels.clone(),
        Arrays.stream(classWeights).map(float[]::clone).toArray(float[][]::new),
        DEFAULT_LOGIT_SCALE,
        DEFAULT_ALPHA,
        DEFAULT_BETA);
  }

  private static float[] unit(float[] vector) {
    double norm = Math.sqrt(squares(vector));
    float[] unit = new float[vector.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = norm == 0 ? 0 : (float) (vector[i] / norm);
    }
    return unit;
  }

  static float[][] unit(float[][] vectors) {
    return Arrays.stream(vectors).map(TipAdapter::unit).toArray(float[][]::new);
  }

  private static double squares(float[] vector) {
    double sum = 0;
    for (float value : vector) {
      sum += (double) value * value;
    }
    return sum;
  }

  /**
   * Returns the same cache with other weights of it.
   *
   * @param alpha how much the examples count, 0 or more
   * @param beta how sharply similarity counts, above 0
   */
  public TipAdapter with(double alpha, double beta) {
    Limits.notNegative("alpha", alpha);
    Limits.aboveZero("beta", beta);
    return new TipAdapter(keys, labels, words, scale, alpha, beta);
  }

  /**
   * Returns the same cache for a model with another logit scale than the formula's 100, so that
   * words and examples keep their proportion.
   *
   * @param scale above 0, the model's own
   */
  public TipAdapter withLogitScale(double scale) {
    Limits.aboveZero("the logit scale", scale);
    return new TipAdapter(keys, labels, words, scale, alpha, beta);
  }

  /** Keys are trained without being scaled again. */
  TipAdapter withKeys(float[][] trained) {
    return new TipAdapter(trained, labels, words, scale, alpha, beta);
  }

  /** Returns how much the examples count. */
  public double alpha() {
    return alpha;
  }

  /** Returns how sharply similarity counts. */
  public double beta() {
    return beta;
  }

  double logitScale() {
    return scale;
  }

  float[][] keys() {
    return keys;
  }

  int[] labels() {
    return labels;
  }

  float[][] words() {
    return words;
  }

  /**
   * Computes the logits of an embedding.
   *
   * @param embedding E values; scaled to unit length
   * @return C values; their softmax are the probabilities
   */
  @Override
  public float[] scores(float[] embedding) {
    if (embedding.length != keys[0].length) {
      throw new IllegalArgumentException(
          "the cache holds embeddings of "
              + keys[0].length
              + " values, found "
              + embedding.length
              + "; they come from another model");
    }
    float[] query = unit(embedding);
    float[] affinities = affinities(query);
    double[] cached = new double[words.length];
    for (int m = 0; m < affinities.length; m++) {
      cached[labels[m]] += Math.exp(beta * (affinities[m] - 1.0));
    }
    float[] logits = new float[words.length];
    for (int c = 0; c < logits.length; c++) {
      logits[c] = (float) (scale * Dot.of(query, words[c]) + alpha * cached[c]);
    }
    return logits;
  }

  private float[] affinities(float[] query) {
    float[] affinities = new float[keys.length];
    for (int m = 0; m < keys.length; m++) {
      affinities[m] = Dot.of(query, keys[m]);
    }
    return affinities;
  }

  /** Returns the accuracy on labelled embeddings. */
  public ProbeAccuracy accuracy(float[][] features, int[] labels) {
    Objects.requireNonNull(labels, "labels");
    float[][] scores =
        IntStream.range(0, features.length)
            .parallel()
            .mapToObj(i -> scores(features[i]))
            .toArray(float[][]::new);
    return ProbeAccuracy.of(scores, labels);
  }

  /**
   * Searches alpha and beta on validation examples, over the grid of the authors' code: 200 betas
   * from 0.1 below 7, and 20 alphas from 0.1 below 3.
   *
   * @param features embeddings that are not in the cache
   * @param truth for each the index of its class
   * @return this cache with the pair of the highest accuracy; of equal ones that of the smallest
   *     beta, then of the smallest alpha
   */
  public TipAdapter searched(float[][] features, int[] truth) {
    LabelledFeatures.check("validation", features, truth, words.length);
    int[] right =
        IntStream.range(0, features.length)
            .parallel()
            .mapToObj(i -> right(features[i], truth[i]))
            .reduce(
                new int[BETA_STEPS * ALPHA_STEPS],
                (a, b) -> IntStream.range(0, a.length).map(i -> a[i] + b[i]).toArray());
    int best = 0;
    for (int i = 1; i < right.length; i++) {
      best = right[i] > right[best] ? i : best;
    }
    return with(
        step(best % ALPHA_STEPS, LAST_ALPHA, ALPHA_STEPS),
        step(best / ALPHA_STEPS, LAST_BETA, BETA_STEPS));
  }

  private static double step(int i, double last, int steps) {
    return FIRST + i * (last - FIRST) / steps;
  }

  /** For each beta and, within it, each alpha: 1 where the example is told right. */
  private int[] right(float[] embedding, int label) {
    float[] query = unit(embedding);
    double[] zeroShot = new double[words.length];
    for (int c = 0; c < zeroShot.length; c++) {
      zeroShot[c] = scale * Dot.of(query, words[c]);
    }
    // From one beta to the next each similarity's share falls by a factor of its own.
    float[] affinities = affinities(query);
    double[] near = new double[affinities.length];
    double[] factor = new double[affinities.length];
    for (int m = 0; m < near.length; m++) {
      near[m] = Math.exp(FIRST * (affinities[m] - 1.0));
      factor[m] = Math.exp((LAST_BETA - FIRST) / BETA_STEPS * (affinities[m] - 1.0));
    }
    int[] right = new int[BETA_STEPS * ALPHA_STEPS];
    for (int b = 0; b < BETA_STEPS; b++) {
      double[] cached = new double[words.length];
      for (int m = 0; m < near.length; m++) {
        cached[labels[m]] += near[m];
        near[m] *= factor[m];
      }
      for (int a = 0; a < ALPHA_STEPS; a++) {
        double weight = step(a, LAST_ALPHA, ALPHA_STEPS);
        double own = zeroShot[label] + weight * cached[label];
        boolean first = true;
        for (int c = 0; first && c < zeroShot.length; c++) {
          first = c == label || zeroShot[c] + weight * cached[c] < own;
        }
        right[b * ALPHA_STEPS + a] = first ? 1 : 0;
      }
    }
    return right;
  }
}
