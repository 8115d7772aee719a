package org.clip4j.io;

/**
 * SplitMix64 (Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators").
 *
 * <p>Own code rather than {@link java.util.SplittableRandom}: the bounded draws of the JDK's
 * generators are not fixed by their specification, and a shuffle that a checkpoint or a Python
 * script has to reproduce must not change with the Java version.
 */
public final class SeededRandom {
  /** First keys, so that draws made for different ends from one seed have nothing in common. */
  public static final long SPLIT = 1;

  public static final long SHUFFLE = 2;
  public static final long CAPTION = 3;
  public static final long SHAPES_TRAINING = 4;
  public static final long SHAPES_TEST = 5;
  public static final long AUGMENTATION = 6;
  public static final long SHUFFLE_BUFFER = 7;
  public static final long MIXTURE = 8;
  public static final long CORRUPTION = 16;
  public static final long SHAPES_STYLE = 17;

  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private long state;

  /** A generator for this list of keys; lists that differ anywhere give unrelated numbers. */
  public SeededRandom(long... keys) {
    for (long key : keys) {
      state = mix(state + GOLDEN_GAMMA) ^ mix(key + GOLDEN_GAMMA);
    }
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** Uniform among all 64-bit numbers. */
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** Uniform in [0, bound), without modulo bias. */
  public int nextInt(int bound) {
    return (int) nextLong(bound);
  }

  /** Uniform in [0, bound), without modulo bias. */
  public long nextLong(long bound) {
    while (true) {
      long bits = nextLong() >>> 1;
      long value = bits % bound;
      if (bits - value + (bound - 1) >= 0) { // overflows in the last, incomplete interval
        return value;
      }
    }
  }

  /** Uniform in [0, 1). */
  public double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /** Uniform in [low, high). */
  public double between(double low, double high) {
    return low + (high - low) * nextDouble();
  }

  /** True with the given probability. */
  public boolean chance(double probability) {
    return nextDouble() < probability;
  }

  /** The numbers from 0 to n - 1, every order equally likely (Fisher-Yates). */
  public int[] permutation(int n) {
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    for (int i = n - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    return order;
  }
}
