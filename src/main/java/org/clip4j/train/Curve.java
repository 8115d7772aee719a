package org.clip4j.train;

import java.util.Arrays;

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

  int size() {
    return size;
  }

  double step(int i) {
    return steps[i];
  }

  double mean(int i) {
    return sums[i] / counts[i];
  }

  double low(int i) {
    return lows[i];
  }

  double high(int i) {
    return highs[i];
  }

  /** NaN if empty. */
  double last() {
    return last;
  }

  double lowest() {
    return Arrays.stream(lows, 0, size).min().orElse(Double.NaN);
  }

  double highest() {
    return Arrays.stream(highs, 0, size).max().orElse(Double.NaN);
  }
}
