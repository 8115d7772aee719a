package org.clip4j.train.internal.monitor;

import java.util.Arrays;

/** The last values of a series. */
final class Window {
  private final double[] values;
  private long count;

  Window(int capacity) {
    values = new double[capacity];
  }

  void add(double value) {
    values[(int) (count++ % values.length)] = value;
  }

  int size() {
    return (int) Math.min(count, values.length);
  }

  boolean isFull() {
    return count >= values.length;
  }

  /** NaN if empty. */
  double mean() {
    return mean(0, size());
  }

  /** The mean of the values from the {@code from}-th oldest up to the {@code to}-th, exclusive. */
  double mean(int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += values[(int) ((count - size() + i) % values.length)];
    }
    return sum / (to - from);
  }

  /** The upper of two middle ones; NaN if empty. */
  double median() {
    double[] sorted = Arrays.copyOf(values, size());
    Arrays.sort(sorted);
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }

  double min() {
    return Arrays.stream(values, 0, size()).min().orElse(Double.NaN);
  }
}
