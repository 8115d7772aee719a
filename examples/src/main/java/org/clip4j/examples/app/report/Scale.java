package org.clip4j.examples.app.report;

import java.util.ArrayList;
import java.util.List;

/** How values become positions along an axis of a {@link Plot}. */
public enum Scale {
  LINEAR,

  /** For counts: each doubling is one step, and 0 has its place one step left of 1. */
  LOG2,

  /** For shares: ln(p / (1 - p)), so that 90 to 95 % is as far as 50 to 68 %. */
  LOGIT;

  /** Shares are drawn no nearer to 0 and 1 than this, where the logit is not finite. */
  static final double LOGIT_MARGIN = 0.005;

  private static final double[] LOGIT_TICKS = {
    0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995
  };

  /** The position; only differences between positions mean anything. */
  double position(double value) {
    return switch (this) {
      case LINEAR -> value;
      case LOG2 -> value <= 0 ? -1 : Math.log(value) / Math.log(2);
      case LOGIT -> logit(value);
    };
  }

  private static double logit(double share) {
    double inside = Math.max(LOGIT_MARGIN, Math.min(1 - LOGIT_MARGIN, share));
    return Math.log(inside / (1 - inside));
  }

  /** Round values to write along an axis from low to high. */
  List<Double> ticks(double low, double high) {
    List<Double> ticks = new ArrayList<>();
    switch (this) {
      case LINEAR -> {
        double step = step(high - low);
        for (long i = (long) Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) {
          ticks.add(i * step);
        }
      }
      case LOG2 -> {
        if (low <= 0) {
          ticks.add(0.0);
        }
        for (double value = 1; value <= high; value *= 2) {
          if (value >= low) {
            ticks.add(value);
          }
        }
      }
      case LOGIT -> {
        for (double tick : LOGIT_TICKS) {
          if (tick >= low - 1e-9 && tick <= high + 1e-9) {
            ticks.add(tick);
          }
        }
      }
    }
    return ticks;
  }

  /** 1, 2 or 5 times a power of ten, so that there are four to nine steps in the range. */
  public static double step(double range) {
    double raw = range / 6;
    double power = Math.pow(10, Math.floor(Math.log10(raw)));
    double digit = raw / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  }
}
