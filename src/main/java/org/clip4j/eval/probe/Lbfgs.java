package org.clip4j.eval.probe;

/**
 * Limited-memory BFGS (Liu and Nocedal 1989) for smooth functions without constraints, with the
 * memory, line search and stopping rules of SciPy's L-BFGS-B as scikit-learn sets it up, so that
 * the same function takes about the same number of iterations.
 */
final class Lbfgs {
  /** Differences of points and gradients remembered. */
  private static final int MEMORY = 10;

  private static final int MOST_TRIALS = 50;
  private static final double EPSILON = Math.ulp(1.0);

  /** A fall of the value by a smaller share ends the search. */
  private static final double VALUE_TOLERANCE = 64 * EPSILON;

  /** What to minimise. */
  @FunctionalInterface
  interface Function {
    /**
     * Evaluates.
     *
     * @param gradient filled
     * @return the value
     */
    double evaluate(double[] x, double[] gradient);
  }

  /** Why the search ended. */
  enum Stop {
    /** No component of the gradient exceeds the tolerance. */
    GRADIENT,
    /** The value no longer falls. */
    VALUE,
    /** All iterations that were allowed are done. */
    ITERATIONS
  }

  /**
   * Where the search ended.
   *
   * @param largestGradient the largest component of the gradient, without its sign
   */
  record Result(double value, double largestGradient, int iterations, int evaluations, Stop stop) {}

  private final Function function;
  private final double[] x;
  private final double[] gradient;
  private final double[] start; // of a line search
  private final double[] startGradient;
  private final double[] direction;
  private final double[][] steps = new double[MEMORY][];
  private final double[][] changes = new double[MEMORY][]; // of the gradient over each step
  private final double[] products = new double[MEMORY]; // of each step with its change
  private int remembered;
  private int newest = -1;
  private int evaluations;
  private double value;

  private Lbfgs(Function function, double[] x) {
    this.function = function;
    this.x = x;
    gradient = new double[x.length];
    start = new double[x.length];
    startGradient = new double[x.length];
    direction = new double[x.length];
  }

  /**
   * Minimises.
   *
   * @param x where to start; in the end, the best found
   * @param maxIterations line searches, at least 1
   * @param tolerance of the gradient's largest component
   */
  static Result minimize(Function function, double[] x, int maxIterations, double tolerance) {
    return new Lbfgs(function, x).run(maxIterations, tolerance);
  }

  private Result run(int maxIterations, double tolerance) {
    evaluate();
    int iterations = 0;
    Stop stop = largest(gradient) <= tolerance ? Stop.GRADIENT : null;
    while (stop == null) {
      double before = value;
      boolean advanced = advance();
      if (!advanced && remembered > 0) { // steepest descent may still find a way
        remembered = 0;
        continue;
      }
      iterations++;
      if (largest(gradient) <= tolerance) {
        stop = Stop.GRADIENT;
      } else if (!advanced || before - value <= VALUE_TOLERANCE * Math.max(1, Math.abs(before))) {
        stop = Stop.VALUE;
      } else if (iterations >= maxIterations) {
        stop = Stop.ITERATIONS;
      }
    }
    return new Result(value, largest(gradient), iterations, evaluations, stop);
  }

  /**
   * One line search.
   *
   * @return whether it found a lower value; if not, the point is the one before
   */
  private boolean advance() {
    chooseDirection();
    double slope = dot(direction, gradient);
    if (!(slope < 0)) {
      return false;
    }
    System.arraycopy(x, 0, start, 0, x.length);
    System.arraycopy(gradient, 0, startGradient, 0, x.length);
    double before = value;
    // Nothing is known of the scale before the first search.
    double first = evaluations == 1 ? 1 / Math.sqrt(dot(direction, direction)) : 1;
    LineSearch search = new LineSearch(value, slope, first);
    LineSearch.Answer answer = LineSearch.Answer.TRY;
    for (int i = 0; i < MOST_TRIALS && answer == LineSearch.Answer.TRY; i++) {
      moveTo(search.step());
      answer = search.tell(value, dot(direction, gradient));
    }
    if (answer == LineSearch.Answer.STUCK) {
      moveTo(search.step());
    }
    if (!(value < before)) {
      System.arraycopy(start, 0, x, 0, x.length);
      System.arraycopy(startGradient, 0, gradient, 0, x.length);
      value = before;
      return false;
    }
    remember(-slope * search.step());
    return true;
  }

  private void moveTo(double step) {
    for (int i = 0; i < x.length; i++) {
      x[i] = start[i] + step * direction[i];
    }
    evaluate();
  }

  private void evaluate() {
    value = function.evaluate(x, gradient);
    evaluations++;
  }

  /** The gradient through the inverse Hessian that the memory stands for, in two passes over it. */
  private void chooseDirection() {
    for (int i = 0; i < direction.length; i++) {
      direction[i] = -gradient[i];
    }
    if (remembered == 0) {
      return;
    }
    double[] weights = new double[MEMORY];
    for (int k = 0; k < remembered; k++) {
      int at = Math.floorMod(newest - k, MEMORY);
      weights[at] = dot(steps[at], direction) / products[at];
      add(direction, -weights[at], changes[at]);
    }
    double scale = products[newest] / dot(changes[newest], changes[newest]);
    for (int i = 0; i < direction.length; i++) {
      direction[i] *= scale;
    }
    for (int k = remembered - 1; k >= 0; k--) {
      int at = Math.floorMod(newest - k, MEMORY);
      add(direction, weights[at] - dot(changes[at], direction) / products[at], steps[at]);
    }
  }

  /**
   * Adds the last step to the memory, unless the curvature along it is lost in rounding.
   *
   * @param expected the decrease that the slope promised
   */
  private void remember(double expected) {
    int at = (newest + 1) % MEMORY;
    if (steps[at] == null) {
      steps[at] = new double[x.length];
      changes[at] = new double[x.length];
    }
    double[] step = steps[at];
    double[] change = changes[at];
    double product = 0;
    for (int i = 0; i < x.length; i++) {
      step[i] = x[i] - start[i];
      change[i] = gradient[i] - startGradient[i];
      product += step[i] * change[i];
    }
    if (product > EPSILON * expected) {
      products[at] = product;
      newest = at;
      remembered = Math.min(remembered + 1, MEMORY);
    } else if (remembered == MEMORY) {
      remembered--; // its place was the oldest's
    }
  }

  private static void add(double[] to, double factor, double[] values) {
    for (int i = 0; i < to.length; i++) {
      to[i] += factor * values[i];
    }
  }

  private static double dot(double[] a, double[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 3 < a.length; i += 4) { // four sums, for the processor to work on at once
      s0 += a[i] * b[i];
      s1 += a[i + 1] * b[i + 1];
      s2 += a[i + 2] * b[i + 2];
      s3 += a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      s0 += a[i] * b[i];
    }
    return (s0 + s1) + (s2 + s3);
  }

  private static double largest(double[] values) {
    double largest = 0;
    for (double value : values) {
      largest = Math.max(largest, Math.abs(value)); // NaN stays
    }
    return largest;
  }
}
