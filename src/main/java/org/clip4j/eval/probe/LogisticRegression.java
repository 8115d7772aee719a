package org.clip4j.eval.probe;

import ai.djl.Device;
import java.util.Objects;
import org.clip4j.eval.internal.LabelledFeatures;
import org.clip4j.io.Limits;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fits multinomial logistic regression by L-BFGS, as scikit-learn's {@code
 * LogisticRegression(lbfgs)}.
 *
 * <p>For N examples (x, y) it minimises the mean cross-entropy plus a penalty on the weights,
 *
 * <pre>1/N sum -log softmax(W x + b)[y] + |W|^2 / (2 C N),</pre>
 *
 * and leaves the intercepts b free. This is scikit-learn's objective divided by C N, as it computes
 * it itself. With two classes scikit-learn fits one vector w, the difference of the two here; its
 * penalty |w|^2 / (2 C N) is taken there too. CLIP's paper speaks of an L2 strength lambda: it is 1
 * / C, so the same range from 1e-6 to 1e6.
 *
 * <p>Deterministic: it starts at zero, and uses no random numbers. Several threads may fit by one
 * whose options change no more.
 */
public final class LogisticRegression {
  private static final Logger logger = LoggerFactory.getLogger(LogisticRegression.class);

  private double c = 1;
  private int maxIterations = 1000;
  private double tolerance = 1e-4;
  private Device device = Device.cpu();

  private LogisticRegression() {}

  /**
   * Holds a classifier with what is known of how it was found.
   *
   * @param classifier the classifier
   * @param c the inverse of the L2 strength
   * @param objective the minimum found, see {@link LogisticRegression}
   * @param largestGradient the largest component of the objective's gradient there, without sign
   * @param iterations of L-BFGS
   * @param evaluations of the objective; each costs two products of the features
   * @param converged whether the gradient came below the tolerance or the objective no longer fell,
   *     before all iterations were used
   */
  public record Fit(
      LinearClassifier classifier,
      double c,
      double objective,
      double largestGradient,
      int iterations,
      int evaluations,
      boolean converged) {}

  /** Starts with the defaults: C 1, at most 1,000 iterations, tolerance 1e-4, on the CPU. */
  public static LogisticRegression create() {
    return new LogisticRegression();
  }

  /** Sets the inverse of the L2 strength, above 0. */
  public LogisticRegression optC(double c) {
    this.c = Limits.aboveZero("C", c);
    return this;
  }

  /** Sets the most iterations of L-BFGS, at least 1. */
  public LogisticRegression optMaxIterations(int iterations) {
    maxIterations = Limits.atLeast("the iterations of L-BFGS", 1, iterations);
    return this;
  }

  /**
   * Sets the tolerance: a fit ends when no component of the objective's gradient exceeds this,
   * above 0.
   */
  public LogisticRegression optTolerance(double tolerance) {
    this.tolerance = Limits.aboveZero("the tolerance", tolerance);
    return this;
  }

  /** Sets the device on which the features are multiplied; the CPU by default. */
  public LogisticRegression optDevice(Device device) {
    this.device = Objects.requireNonNull(device, "device");
    return this;
  }

  /**
   * Fits a classifier. Warns where the iterations do not suffice.
   *
   * @param features N vectors of D values
   * @param labels for each the index of its class; every class has an example
   * @param classes at least 2
   * @throws IllegalArgumentException if these do not fit together, or a value is not finite
   */
  public Fit fit(float[][] features, int[] labels, int classes) {
    try (Data data = data(features, labels, classes)) {
      return fit(data, c);
    }
  }

  /** Examples where the regression computes; the caller's to close. */
  Data data(float[][] features, int[] labels, int classes) {
    check(features, labels, classes);
    return new Data(
        new SoftmaxObjective(device, features, labels, classes),
        features.length,
        features[0].length,
        classes);
  }

  /** Labelled features to fit on, perhaps more than once. */
  record Data(SoftmaxObjective loss, int examples, int width, int classes)
      implements AutoCloseable {
    @Override
    public void close() {
      loss.close();
    }
  }

  /** Fits with another C. */
  Fit fit(Data data, double c) {
    int weights = data.classes * data.width;
    // Two classes: |W|^2 is half of |w|^2, where w is the difference of W's rows.
    double strength = (data.classes == 2 ? 2 : 1) / (c * data.examples);
    double[] x = new double[weights + data.classes];
    Lbfgs.Result result =
        Lbfgs.minimize(
            (at, gradient) -> {
              double loss = data.loss.evaluate(at, gradient);
              double squares = 0;
              for (int i = 0; i < weights; i++) {
                gradient[i] += strength * at[i];
                squares += at[i] * at[i];
              }
              return loss + strength / 2 * squares;
            },
            x,
            maxIterations,
            tolerance);
    boolean converged = result.stop() != Lbfgs.Stop.ITERATIONS;
    if (!converged) {
      logger.warn(
          "Logistic regression with C {} did not converge in {} iterations: the largest component of the gradient is {},"
              + " the tolerance {}. Allow more iterations, or bring the features to a common scale",
          c,
          maxIterations,
          result.largestGradient(),
          tolerance);
    }
    return new Fit(
        LinearClassifier.of(x, data.classes, data.width),
        c,
        result.value(),
        result.largestGradient(),
        result.iterations(),
        result.evaluations(),
        converged);
  }

  private static void check(float[][] features, int[] labels, int classes) {
    LabelledFeatures.check("training", features, labels, classes);
    if (classes < 2) {
      throw new IllegalArgumentException(
          "a probe tells at least 2 classes apart, found " + classes);
    }
    int[] counts = LabelledFeatures.counts(labels, classes);
    for (int i = 0; i < classes; i++) {
      if (counts[i] == 0) {
        throw new IllegalArgumentException(
            "class "
                + i
                + " of "
                + classes
                + " has no training example; leave it out, or add examples of it");
      }
    }
  }
}
