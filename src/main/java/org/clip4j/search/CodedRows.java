package org.clip4j.search;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rows in a short form, which tells nearly how similar they are to a query. What is coded is each
 * row's difference from the mean of all, because what embeddings of a model have in common is often
 * larger than what tells them apart. Immutable; safe for use by several threads.
 */
final class CodedRows {
  /** Longest and shortest row of an index whose rows count as equally long, squared. */
  private static final double EQUAL_LENGTHS = 1.01;

  /**
   * Rows that follow each other.
   *
   * @param factors by which the products with the codes are multiplied: one for all rows, if they
   *     are about equally long, or one for each
   */
  private record Block(int first, int count, Object codes, float[] factors) {}

  private final Coding<?> coding;
  private final List<Block> blocks = new ArrayList<>();
  private final float[] mean;
  private final boolean equalLengths;

  /**
   * Codes the rows of files, which are read twice.
   *
   * @param files at least one, in their order
   */
  CodedRows(Quantization quantization, int dimensions, List<RowFile> files) throws IOException {
    coding =
        quantization == Quantization.INT8 ? new Int8Coding(dimensions) : new BitCoding(dimensions);
    // 1. The mean of all rows, and how long they are.
    double[] sums = new double[dimensions];
    double[] lengths = {Double.POSITIVE_INFINITY, 0};
    long rows = 0;
    for (RowFile file : files) {
      file.read(dimensions, (first, count, some) -> addTo(sums, lengths, count, some));
      rows += file.count();
    }
    mean = new float[dimensions];
    for (int d = 0; d < dimensions; d++) {
      mean[d] = (float) (sums[d] / rows);
    }
    equalLengths = lengths[1] <= EQUAL_LENGTHS * lengths[0];
    // 2. The codes.
    for (RowFile file : files) {
      file.read(dimensions, this::add);
    }
  }

  private static void addTo(double[] sums, double[] lengths, int count, float[][] rows) {
    for (int i = 0; i < count; i++) {
      double length = 0;
      for (int d = 0; d < sums.length; d++) {
        sums[d] += rows[i][d];
        length += (double) rows[i][d] * rows[i][d];
      }
      lengths[0] = Math.min(lengths[0], length);
      lengths[1] = Math.max(lengths[1], length);
    }
  }

  private void add(int first, int count, float[][] rows) {
    for (int i = 0; i < count; i++) {
      for (int d = 0; d < mean.length; d++) {
        rows[i][d] -= mean[d];
      }
    }
    float[] factors = new float[equalLengths ? 1 : count];
    blocks.add(new Block(first, count, coding.encode(rows, count, factors), factors));
  }

  /** Counts the bytes that the rows before one take. */
  long bytes(int end) {
    long bytes = 0;
    for (Block block : blocks) {
      if (block.first < end) {
        bytes += coding.bytes(block.count) + (long) block.factors.length * Float.BYTES;
      }
    }
    return bytes;
  }

  /**
   * Finds the rows that seem best for each query.
   *
   * @param k how many
   * @param end of the rows that are looked at
   */
  TopK[] search(float[][] queries, int k, int end) {
    TopK[] best = new TopK[queries.length];
    Arrays.setAll(best, i -> new TopK(k));
    search(coding, queries, best, end);
    return best;
  }

  @SuppressWarnings("unchecked") // what a coding encoded is what it scores
  private <C> void search(Coding<C> coding, float[][] queries, TopK[] best, int end) {
    List<Coding.Scorer<C>> scorers = new ArrayList<>();
    double[] ofMean = new double[queries.length];
    for (int q = 0; q < queries.length; q++) {
      scorers.add(coding.scorer(queries[q]));
      for (int d = 0; d < mean.length; d++) {
        ofMean[q] += (double) queries[q][d] * mean[d];
      }
    }
    double[] products = new double[Vectors.BLOCK];
    float[] scores = new float[Vectors.BLOCK];
    for (Block block : blocks) {
      if (block.first >= end) {
        break;
      }
      int count = Math.min(block.count, end - block.first);
      for (int q = 0; q < queries.length; q++) {
        scorers.get(q).score((C) block.codes, count, products);
        for (int i = 0; i < count; i++) {
          float factor = block.factors[equalLengths ? 0 : i];
          scores[i] = (float) (ofMean[q] + factor * products[i]);
        }
        best[q].addAll(block.first, count, scores);
      }
    }
  }
}
