package org.clip4j.figure;

import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

/** Turns values into positions along an axis. */
public enum Scale {
  /** A scale on which equal differences are equally far. */
  LINEAR,

  /** A scale for counts: each doubling is one step, and 0 has its place one step left of 1. */
  LOG2,

  /** A scale for positive values of very different size: each power of ten is one step. */
  LOG10,

  /** A scale for shares: ln(p / (1 - p)), so that 90 to 95 % is as far as 50 to 68 %. */
  LOGIT;

  /** Shares are drawn no nearer to 0 and 1 than this, where the logit is not finite. */
  static final double LOGIT_MARGIN = 0.005;

  private static final double[] LOGIT_TICKS = {
    0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995
  };

  /** Returns the position; only differences between positions mean anything. */
  double position(double value) {
    return switch (this) {
      case LINEAR -> value;
      case LOG2 -> value <= 0 ? -1 : Math.log(value) / Math.log(2);
      case LOG10 -> Math.log10(value);
      case LOGIT -> {
        double inside = Math.max(LOGIT_MARGIN, Math.min(1 - LOGIT_MARGIN, value));
        yield Math.log(inside / (1 - inside));
      }
    };
  }

  /** Returns round values to write along an axis from low to high, about as many as are asked. */
  List<Double> ticks(double low, double high, int parts) {
    DoubleStream ticks =
        switch (this) {
          case LINEAR -> {
            double step = step(high - low, parts);
            yield LongStream.rangeClosed(
                    (long) Math.ceil(low / step - 1e-9), (long) Math.floor(high / step + 1e-9))
                .mapToDouble(i -> i * step);
          }
          case LOG2 ->
              DoubleStream.concat(
                  DoubleStream.of(0), DoubleStream.iterate(1, value -> value <= high, v -> 2 * v));
          case LOG10 ->
              LongStream.rangeClosed(Math.round(Math.log10(low)), Math.round(Math.log10(high)))
                  .mapToDouble(power -> Math.pow(10, power));
          case LOGIT -> DoubleStream.of(LOGIT_TICKS);
        };
    double slack = 1e-9 * (high - low);
    return ticks.filter(tick -> tick >= low - slack && tick <= high + slack).boxed().toList();
  }

  /**
   * Returns 1, 2 or 5 times a power of ten, so that a range has about so many steps.
   *
   * @param range above 0
   */
  public static double step(double range, int parts) {
    double raw = range / parts;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double digit = raw / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  }
}
