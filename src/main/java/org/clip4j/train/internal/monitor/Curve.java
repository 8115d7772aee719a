package org.clip4j.train.internal.monitor;

import java.util.List;
import java.util.stream.IntStream;
import org.clip4j.figure.LineFigure.Point;

/**
 * A series to draw, of any length in bounded memory: neighbours are merged into means, which keep
 * their lowest and highest value.
 */
final class Curve {
  private static final int POINTS = 1024;

  private final double[] steps = new double[POINTS];
  private final double[] sums = new double[POINTS];
  private final double[] lows = new double[POINTS];
  private final double[] highs = new double[POINTS];
  private final int[] counts = new int[POINTS];
  private int size;
  private int capacity = 1; // values that a point takes
  private double last = Double.NaN;

  /** Adds a value; steps rise. What is not finite is left out. */
  void add(long step, double value) {
    if (!Double.isFinite(value)) {
      return;
    }
    last = value;
    if (size == 0 || counts[size - 1] == capacity) {
      if (size == POINTS) {
        merge();
      }
      sums[size] = 0;
      counts[size] = 0;
      lows[size] = value;
      highs[size] = value;
      size++;
    }
    int i = size - 1;
    sums[i] += value;
    counts[i]++;
    steps[i] = step;
    lows[i] = Math.min(lows[i], value);
    highs[i] = Math.max(highs[i], value);
  }

  private void merge() {
    for (int i = 0; i < POINTS / 2; i++) {
      sums[i] = sums[2 * i] + sums[2 * i + 1];
      counts[i] = counts[2 * i] + counts[2 * i + 1];
      steps[i] = steps[2 * i + 1];
      lows[i] = Math.min(lows[2 * i], lows[2 * i + 1]);
      highs[i] = Math.max(highs[2 * i], highs[2 * i + 1]);
    }
    size = POINTS / 2;
    capacity *= 2;
  }

  /** What is to be drawn: means, with the lowest and the highest of what was merged. */
  List<Point> points() {
    return IntStream.range(0, size)
        .mapToObj(i -> new Point(steps[i], sums[i] / counts[i], lows[i], highs[i]))
        .toList();
  }

  /** NaN if empty. */
  double last() {
    return last;
  }
}
