package org.clip4j.search;

import java.util.Arrays;

/**
 * A byte for each value, from -127 to 127 times a factor. The bytes of four rows share an int, and
 * the ints of a block follow each other value by value, shape (E, 64): the compiler makes vector
 * instructions of loops over ints, and none of loops that turn bytes into something longer.
 */
final class Int8Coding implements Coding<int[]> {
  private static final int MOST = 127;
  private static final int LANES = Vectors.BLOCK / 4;

  private final int dimensions;

  Int8Coding(int dimensions) {
    this.dimensions = dimensions;
  }

  @Override
  public int[] encode(float[][] rows, int count, float[] factors) {
    double[] largest = new double[factors.length];
    for (int i = 0; i < count; i++) {
      int at = factors.length == 1 ? 0 : i;
      for (float value : rows[i]) {
        largest[at] = Math.max(largest[at], Math.abs(value));
      }
    }
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (float) (largest[i] / MOST);
    }
    int lanes = (count + 3) / 4;
    int[] codes = new int[dimensions * lanes];
    for (int i = 0; i < count; i++) {
      double scale = largest[factors.length == 1 ? 0 : i];
      for (int d = 0; d < dimensions && scale > 0; d++) {
        int code = (int) Math.rint(rows[i][d] / scale * MOST);
        codes[d * lanes + i / 4] |= (code & 0xFF) << 8 * (i % 4);
      }
    }
    return codes;
  }

  @Override
  public long bytes(int count) {
    return (count + 3) / 4 * 4L * dimensions;
  }

  @Override
  public Scorer<int[]> scorer(float[] query) {
    double largest = 0;
    for (float value : query) {
      largest = Math.max(largest, Math.abs(value));
    }
    // As fine as the sums of an int allow.
    int most = Integer.MAX_VALUE / MOST / dimensions;
    int[] whole = new int[dimensions];
    for (int d = 0; d < dimensions && largest > 0; d++) {
      whole[d] = (int) Math.rint(query[d] / largest * most);
    }
    double scale = largest / most;
    int[] column = new int[LANES];
    int[][] sums = new int[4][LANES];
    return (codes, count, products) -> {
      for (int[] sum : sums) {
        Arrays.fill(sum, 0);
      }
      int lanes = codes.length / dimensions;
      for (int d = 0; d < dimensions; d++) {
        System.arraycopy(codes, d * lanes, column, 0, lanes);
        addScaled(whole[d], column, sums[0], sums[1], sums[2], sums[3]);
      }
      for (int i = 0; i < count; i++) {
        products[i] = sums[i % 4][i / 4] * scale;
      }
    };
  }

  private static void addScaled(int factor, int[] column, int[] s0, int[] s1, int[] s2, int[] s3) {
    for (int i = 0; i < LANES; i++) {
      int four = column[i];
      s0[i] += factor * (four << 24 >> 24);
      s1[i] += factor * (four << 16 >> 24);
      s2[i] += factor * (four << 8 >> 24);
      s3[i] += factor * (four >> 24);
    }
  }
}
