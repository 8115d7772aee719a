package org.clip4j.image;

import java.util.Arrays;
import org.clip4j.image.ImageTransform.Interpolation;

/**
 * Resizes 8-bit RGB exactly as Pillow's Resample does: a horizontal pass, rounding to 8 bits, a
 * vertical pass; weights in fixed point of 22 bits; when shrinking, the filter is widened by the
 * factor, so that every source pixel counts. Only the part of the result that a crop keeps is
 * computed, which changes none of its values.
 */
final class Resampler {

  /** Of the weights: 32 bits less 8 of a level, less 2 for negative lobes and sums above one. */
  private static final int PRECISION = 32 - 8 - 2;

  private static final int HALF = 1 << PRECISION - 1;

  /** Rows that the horizontal pass takes at a time: enough for long runs, and still in cache. */
  private static final int BLOCK = 32;

  private Resampler() {}

  /**
   * For each position in a stretch of one axis of the result, where its source pixels begin, how
   * many they are, and their weights.
   *
   * @param first source position, per result position
   * @param taps count, per result position
   * @param weights taps of result position i from i * stride
   * @param stride at least the largest count
   */
  private record Axis(int[] first, int[] taps, int[] weights, int stride) {

    int from() {
      return first[0];
    }

    int to() {
      int last = first.length - 1;
      return first[last] + taps[last];
    }
  }

  /**
   * Resizes to fullWidth x fullHeight and keeps the width x height pixels from left, top.
   *
   * @return planar [3, height, width]
   */
  static byte[] resize(
      RgbImage image,
      long fullWidth,
      long fullHeight,
      long left,
      long top,
      int width,
      int height,
      Interpolation filter) {
    if (fullWidth == image.width() && fullHeight == image.height()) {
      return crop(image, (int) left, (int) top, width, height);
    }
    // Pillow turns the passes round for very tall images, which shrinks them sooner.
    if (image.height() > 100L * image.width() && fullHeight < image.height()) {
      int all = image.width();
      byte[] low = passes(image, all, fullHeight, 0, top, all, height, filter);
      RgbImage lower = new RgbImage(all, height, interleave(low));
      return passes(lower, fullWidth, height, left, 0, width, height, filter);
    }
    return passes(image, fullWidth, fullHeight, left, top, width, height, filter);
  }

  private static byte[] crop(RgbImage image, int left, int top, int width, int height) {
    byte[] pixels = image.pixels();
    byte[] out = new byte[3 * width * height];
    int size = width * height;
    for (int y = 0, o = 0; y < height; y++) {
      int p = ((top + y) * image.width() + left) * 3;
      for (int x = 0; x < width; x++, o++, p += 3) {
        out[o] = pixels[p];
        out[o + size] = pixels[p + 1];
        out[o + 2 * size] = pixels[p + 2];
      }
    }
    return out;
  }

  private static byte[] interleave(byte[] planar) {
    int size = planar.length / 3;
    byte[] rgb = new byte[planar.length];
    for (int i = 0; i < size; i++) {
      rgb[3 * i] = planar[i];
      rgb[3 * i + 1] = planar[size + i];
      rgb[3 * i + 2] = planar[2 * size + i];
    }
    return rgb;
  }

  private static byte[] passes(
      RgbImage image,
      long fullWidth,
      long fullHeight,
      long left,
      long top,
      int width,
      int height,
      Interpolation filter) {
    Axis columns = axis(image.width(), fullWidth, left, width, filter);
    Axis rows = axis(image.height(), fullHeight, top, height, filter);
    // 1. The rows that the vertical pass will ask for, at the new width, as ints: [row, RGB, x].
    int from = rows.from();
    int count = rows.to() - from;
    int[] narrow = new int[count * 3 * width];
    horizontal(image, from, count, columns, narrow, width);
    // 2. Down the columns. All three channels of a row are one run of ints, which the JIT
    // vectorises.
    return vertical(narrow, from, rows, width, height);
  }

  /** Takes rows in blocks and turns them, so that this pass, too, runs along runs of ints. */
  private static void horizontal(
      RgbImage image, int from, int count, Axis columns, int[] out, int width) {
    byte[] pixels = image.pixels();
    int start = columns.from();
    int used = columns.to() - start;
    int lanes = 3 * Math.min(BLOCK, count);
    int[] turned = new int[used * lanes]; // [x, row, RGB]
    int[] sum = new int[lanes];
    for (int y = 0; y < count; y += BLOCK) {
      int rows = Math.min(BLOCK, count - y);
      for (int r = 0; r < rows; r++) {
        int p = ((from + y + r) * image.width() + start) * 3;
        for (int x = 0, t = 3 * r; x < used; x++, t += lanes, p += 3) {
          turned[t] = pixels[p] & 0xFF;
          turned[t + 1] = pixels[p + 1] & 0xFF;
          turned[t + 2] = pixels[p + 2] & 0xFF;
        }
      }
      for (int x = 0; x < width; x++) {
        weigh(turned, (columns.first[x] - start) * lanes, columns, x, sum);
        for (int r = 0, o = y * 3 * width + x; r < rows; r++, o += 3 * width) {
          out[o] = clip(sum[3 * r]);
          out[o + width] = clip(sum[3 * r + 1]);
          out[o + 2 * width] = clip(sum[3 * r + 2]);
        }
      }
    }
  }

  private static byte[] vertical(int[] narrow, int from, Axis rows, int width, int height) {
    int run = 3 * width;
    byte[] out = new byte[height * run];
    int[] sum = new int[run];
    for (int y = 0; y < height; y++) {
      weigh(narrow, (rows.first[y] - from) * run, rows, y, sum);
      for (int c = 0; c < 3; c++) {
        int o = (c * height + y) * width;
        for (int x = 0; x < width; x++) {
          out[o + x] = (byte) clip(sum[c * width + x]);
        }
      }
    }
    return out;
  }

  /**
   * The weighted sum of runs of ints that follow each other, each as long as the sum. The loops are
   * plain so that the JIT vectorises them; four runs at a time spare loads and stores of the sum.
   */
  private static void weigh(int[] runs, int at, Axis axis, int position, int[] sum) {
    int run = sum.length;
    int[] weights = axis.weights;
    int w = position * axis.stride;
    int end = w + axis.taps[position];
    Arrays.fill(sum, HALF);
    for (; w + 4 <= end; w += 4, at += 4 * run) {
      addFour(runs, at, run, weights[w], weights[w + 1], weights[w + 2], weights[w + 3], sum);
    }
    for (; w < end; w++, at += run) {
      addOne(runs, at, weights[w], sum);
    }
  }

  private static void addOne(int[] runs, int at, int weight, int[] sum) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += runs[at + i] * weight;
    }
  }

  private static void addFour(
      int[] runs, int at, int run, int w0, int w1, int w2, int w3, int[] sum) {
    int b = at + run;
    int c = b + run;
    int d = c + run;
    for (int i = 0; i < sum.length; i++) {
      sum[i] += runs[at + i] * w0 + runs[b + i] * w1 + runs[c + i] * w2 + runs[d + i] * w3;
    }
  }

  private static int clip(int sum) {
    return Math.max(0, Math.min(255, sum >> PRECISION));
  }

  /** Weights of the result positions start to start + count of an axis. */
  private static Axis axis(int from, long to, long start, int count, Interpolation filter) {
    int[] first = new int[count];
    int[] taps = new int[count];
    if (from == to) { // Pillow leaves a pass out where the size stays: the weight is one
      int[] weights = new int[count];
      for (int i = 0; i < count; i++) {
        first[i] = (int) start + i;
        taps[i] = 1;
        weights[i] = 1 << PRECISION;
      }
      return new Axis(first, taps, weights, 1);
    }
    double scale = (double) from / to;
    double stretch = Math.max(scale, 1);
    double support = (filter == Interpolation.BICUBIC ? 2 : 1) * stretch;
    double inverse = 1 / stretch;
    int stride = (int) Math.ceil(support) * 2 + 1;
    int[] weights = new int[count * stride];
    double[] exact = new double[stride];
    for (int i = 0; i < count; i++) {
      double centre = (start + i + 0.5) * scale;
      int low = Math.max(0, (int) (centre - support + 0.5));
      int n = Math.min(from, (int) (centre + support + 0.5)) - low;
      double total = 0;
      for (int t = 0; t < n; t++) {
        double x = Math.abs((t + low - centre + 0.5) * inverse);
        exact[t] = filter == Interpolation.BICUBIC ? cubic(x) : Math.max(0, 1 - x);
        total += exact[t];
      }
      for (int t = 0; t < n; t++) {
        double weight = total == 0 ? exact[t] : exact[t] / total;
        double levels = weight * (1 << PRECISION);
        weights[i * stride + t] = (int) (levels < 0 ? levels - 0.5 : levels + 0.5);
      }
      first[i] = low;
      taps[i] = n;
    }
    return new Axis(first, taps, weights, stride);
  }

  /** Keys' cubic convolution kernel with a = -0.5, for x of at least zero. */
  private static double cubic(double x) {
    double a = -0.5;
    if (x < 1) {
      return ((a + 2) * x - (a + 3)) * x * x + 1;
    }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }
}
