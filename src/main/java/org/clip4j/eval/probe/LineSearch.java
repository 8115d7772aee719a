package org.clip4j.eval.probe;

/**
 * A step length that satisfies the strong Wolfe conditions, found by the safeguarded interpolation
 * of Moré and Thuente 1994, "Line search algorithms with guaranteed sufficient decrease".
 *
 * <p>The caller evaluates: {@link #step()} is the length to try, {@link #tell} takes the value and
 * slope there, until that returns something else than {@link Answer#TRY}. With its constants, and
 * in the order of its tests, it takes the steps that SciPy's L-BFGS-B takes.
 */
final class LineSearch {
  /** The share of the slope's promise by which the value must fall. */
  private static final double SUFFICIENT_DECREASE = 1e-3;

  /** The share of the first slope that may be left. */
  private static final double CURVATURE = 0.9;

  /** The interval is not divided below this share of its upper end. */
  private static final double NARROWEST = 0.1;

  /** An interval that shrinks less than this in two trials is halved. */
  private static final double SHRINK = 0.66;

  /** How far a trial may go beyond the best step, in multiples of the last move. */
  private static final double LEAST_REACH = 1.1;

  private static final double MOST_REACH = 4;
  private static final double LONGEST = 1e10;

  /** What to do next. */
  enum Answer {
    /** Evaluate at {@link #step()}. */
    TRY,
    /** The last step evaluated is good. */
    DONE,
    /** No better step can be told from the best, which {@link #step()} is, in these numbers. */
    STUCK
  }

  /** A step length with the value and the slope there. */
  private record Point(double step, double value, double slope) {
    /** As seen by the function less the promised decrease. */
    Point minus(double slopePerStep) {
      return new Point(step, value - step * slopePerStep, slope - slopePerStep);
    }
  }

  private final double firstValue;
  private final double firstSlope;
  private final double promised; // decrease per unit of step
  private Point best; // of the interval's ends the one with the least value
  private Point other;
  private boolean bracketed;
  private boolean decreased; // a step with sufficient decrease and a rising slope was seen
  private double width = LONGEST;
  private double widthBefore = 2 * LONGEST;
  private double shortest = 0;
  private double longest;
  private double step;

  /**
   * Starts at step 0.
   *
   * @param slope along the direction, below 0
   * @param step to try first, above 0
   */
  LineSearch(double value, double slope, double step) {
    firstValue = value;
    firstSlope = slope;
    promised = SUFFICIENT_DECREASE * slope;
    best = new Point(0, value, slope);
    other = best;
    this.step = step;
    longest = step + MOST_REACH * step;
  }

  /** The step length to evaluate at. */
  double step() {
    return step;
  }

  /** Takes what was found at {@link #step()}, and chooses the next one. */
  Answer tell(double value, double slope) {
    Point point = new Point(step, value, slope);
    double bound = firstValue + step * promised;
    decreased |= value <= bound && slope >= 0;
    if (value <= bound && Math.abs(slope) <= CURVATURE * -firstSlope) {
      return Answer.DONE;
    }
    boolean exhausted =
        bracketed && (step <= shortest || step >= longest || tooNarrow())
            || step >= LONGEST && value <= bound && slope <= promised;
    if (exhausted || !Double.isFinite(value)) {
      step = best.step;
      return Answer.STUCK;
    }
    if (!decreased && value <= best.value && value > bound) {
      // Until there is a sufficient decrease, what is minimised is the shortfall from it.
      narrow(best.minus(promised), other.minus(promised), point.minus(promised), point);
    } else {
      narrow(best, other, point, point);
    }
    if (bracketed) {
      double span = Math.abs(other.step - best.step);
      if (span >= SHRINK * widthBefore) {
        step = best.step + 0.5 * (other.step - best.step);
      }
      widthBefore = width;
      width = span;
      shortest = Math.min(best.step, other.step);
      longest = Math.max(best.step, other.step);
    } else {
      shortest = step + LEAST_REACH * (step - best.step);
      longest = step + MOST_REACH * (step - best.step);
    }
    step = Math.min(Math.max(step, 0), LONGEST);
    if (bracketed && (step <= shortest || step >= longest || tooNarrow())) {
      step = best.step;
    }
    return Answer.TRY;
  }

  private boolean tooNarrow() {
    return longest - shortest <= NARROWEST * longest;
  }

  /**
   * Chooses the next step by interpolation, and then the interval that keeps a minimum inside (the
   * paper's section 4 and its updating algorithm).
   *
   * @param x the best, {@code y} the other end, {@code t} the trial, as the interpolation sees them
   * @param trial as it was evaluated
   */
  private void narrow(Point x, Point y, Point t, Point trial) {
    double next;
    boolean opposite = t.slope * Math.signum(x.slope) < 0;
    if (t.value > x.value) {
      // 1. A higher value: a minimum lies between.
      double cubic = cubic(x, t);
      double quadratic =
          x.step
              + x.slope
                  / ((x.value - t.value) / (t.step - x.step) + x.slope)
                  / 2
                  * (t.step - x.step);
      boolean cubicIsNearer = Math.abs(cubic - x.step) < Math.abs(quadratic - x.step);
      next = cubicIsNearer ? cubic : cubic + (quadratic - cubic) / 2;
      bracketed = true;
    } else if (opposite) {
      // 2. A lower value with the slope turned: a minimum lies between.
      double cubic = cubic(t, x);
      double secant = secant(x, t);
      next = Math.abs(cubic - t.step) > Math.abs(secant - t.step) ? cubic : secant;
      bracketed = true;
    } else if (Math.abs(t.slope) < Math.abs(x.slope)) {
      // 3. A lower value with a flatter slope: beyond, but not too far.
      double cubic = cubicBeyond(x, t);
      double secant = secant(x, t);
      boolean cubicIsNearer = Math.abs(cubic - t.step) < Math.abs(secant - t.step);
      if (bracketed) {
        next = cubicIsNearer ? cubic : secant;
        double limit = t.step + SHRINK * (y.step - t.step);
        next = t.step > x.step ? Math.min(limit, next) : Math.max(limit, next);
      } else {
        next = cubicIsNearer ? secant : cubic;
        next = Math.min(longest, Math.max(shortest, next));
      }
    } else if (bracketed) {
      // 4. A lower value with a slope as steep: towards the other end.
      next = cubic(t, y);
    } else {
      next = t.step > x.step ? longest : shortest;
    }
    if (t.value > x.value) {
      other = trial;
    } else {
      if (opposite) {
        other = best;
      }
      best = trial;
    }
    step = next;
  }

  /** The minimum of the cubic through two points with these slopes. */
  private static double cubic(Point from, Point to) {
    double theta = theta(from, to);
    double scale = Math.max(Math.abs(theta), Math.max(Math.abs(from.slope), Math.abs(to.slope)));
    double radicand = theta / scale * (theta / scale) - from.slope / scale * (to.slope / scale);
    double gamma = scale * Math.sqrt(Math.max(0, radicand));
    if (to.step < from.step) {
      gamma = -gamma;
    }
    double p = gamma - from.slope + theta;
    double q = gamma - from.slope + gamma + to.slope;
    return from.step + p / q * (to.step - from.step);
  }

  /** As {@link #cubic}, or the bound on that side where the cubic has no minimum beyond. */
  private double cubicBeyond(Point x, Point t) {
    double theta = theta(x, t);
    double scale = Math.max(Math.abs(theta), Math.max(Math.abs(x.slope), Math.abs(t.slope)));
    double radicand = theta / scale * (theta / scale) - x.slope / scale * (t.slope / scale);
    double gamma = scale * Math.sqrt(Math.max(0, radicand));
    if (t.step > x.step) {
      gamma = -gamma;
    }
    double p = gamma - t.slope + theta;
    double q = gamma + (x.slope - t.slope) + gamma;
    double r = p / q;
    if (r < 0 && gamma != 0) {
      return t.step + r * (x.step - t.step);
    }
    return t.step > x.step ? longest : shortest;
  }

  private static double theta(Point from, Point to) {
    return 3 * (from.value - to.value) / (to.step - from.step) + from.slope + to.slope;
  }

  private static double secant(Point x, Point t) {
    return t.step + t.slope / (t.slope - x.slope) * (x.step - t.step);
  }
}
