package org.clip4j.explain;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.model.Trace;

/** What a logit comes from, by its gradient with respect to what lies on the way to it. */
final class Relevance {

  private Relevance() {}

  /**
   * Relevance of the input's tokens (Chefer, Gur and Wolf 2021, arXiv 2103.15679, equations 5 and
   * 6): with R = I at first, R = R + A' R for each block, where A' is the mean over the heads of
   * the positive part of gradient times attention. Of R only the row that is pooled is wanted, and
   * as a product from the left it needs no matrix product.
   *
   * <p>Where attention of a learned query pools, the query is one more token, and its row is taken.
   * Where a mean pools, of tokens or of several queries, the mean of the rows is.
   *
   * @param gradient of the logit with respect to the embedding, E values
   * @param firstBlock the first one of those that count
   * @return L values: the row without that of the identity, so that a token's own place has no
   *     advantage
   */
  static float[] ofTokens(Autograd autograd, Trace trace, float[] gradient, int firstBlock) {
    List<NDArray> attention =
        new ArrayList<>(trace.attention().subList(firstBlock, trace.attention().size()));
    if (trace.poolingAttention() != null) {
      attention.add(trace.poolingAttention());
    }
    NDList gradients = gradients(autograd, trace, gradient, attention);
    int blocks = attention.size();
    float[] row = trace.pooled();
    if (trace.poolingAttention() != null) {
      blocks--;
      float[] queries = new float[Math.toIntExact(attention.get(blocks).getShape().get(2))];
      Arrays.fill(queries, 1f / queries.length);
      row = throughBlock(queries, attention.get(blocks), gradients.get(blocks));
    }
    float[] given = trace.pooled() == null ? new float[row.length] : row.clone();
    for (int i = blocks - 1; i >= 0; i--) {
      float[] from = throughBlock(row, attention.get(i), gradients.get(i));
      for (int l = 0; l < row.length; l++) {
        row[l] += from[l];
      }
    }
    for (int l = 0; l < row.length; l++) {
      row[l] -= given[l];
    }
    return row;
  }

  /** Returns row A', [L]. */
  private static float[] throughBlock(float[] row, NDArray attention, NDArray gradient) {
    Shape shape = attention.getShape(); // [1, H, queries, L]
    int heads = Math.toIntExact(shape.get(1));
    int keys = Math.toIntExact(shape.get(3));
    float[] a = attention.toFloatArray();
    float[] g = gradient.toFloatArray();
    double[] sum = new double[keys];
    for (int h = 0, i = 0; h < heads; h++) {
      for (int q = 0; q < row.length; q++) {
        for (int k = 0; k < keys; k++, i++) {
          sum[k] += row[q] * Math.max(0f, g[i] * a[i]);
        }
      }
    }
    float[] result = new float[keys];
    for (int k = 0; k < keys; k++) {
      result[k] = (float) (sum[k] / heads);
    }
    return result;
  }

  /**
   * Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): the positive part of the sum of channels,
   * each weighted by the mean of its gradient.
   *
   * @param gradient of the logit with respect to the embedding, E values
   * @param layer index into the states
   * @return [rows, columns]
   */
  static float[] ofCells(Autograd autograd, Trace trace, float[] gradient, int layer) {
    float[] map = signed(autograd, trace, gradient, layer);
    for (int i = 0; i < map.length; i++) {
      map[i] = Math.max(0, map[i]);
    }
    return map;
  }

  /** As {@link #ofCells}, with what speaks against the text as negative values. */
  static float[] signed(Autograd autograd, Trace trace, float[] gradient, int layer) {
    NDArray state = trace.states().get(layer); // [1, C, h, w]
    int channels = Math.toIntExact(state.getShape().get(1));
    float[] x = state.toFloatArray();
    float[] g = gradients(autograd, trace, gradient, List.of(state)).get(0).toFloatArray();
    int cells = x.length / channels;
    double[] sum = new double[cells];
    for (int c = 0; c < channels; c++) {
      double weight = 0;
      for (int i = 0; i < cells; i++) {
        weight += g[c * cells + i];
      }
      for (int i = 0; i < cells; i++) {
        sum[i] += weight / cells * x[c * cells + i];
      }
    }
    float[] map = new float[cells];
    for (int i = 0; i < cells; i++) {
      map[i] = (float) sum[i];
    }
    return map;
  }

  private static NDList gradients(
      Autograd autograd, Trace trace, float[] gradient, List<NDArray> of) {
    NDArray embedding = trace.embedding();
    NDArray weights = embedding.getManager().create(gradient, embedding.getShape());
    return autograd.keptGradients(embedding, weights, TorchScript.list(of));
  }

  /**
   * The gradient of a logit, the scaled cosine similarity, with respect to one of its embeddings.
   *
   * @param own E values, not normalised
   * @param other likewise
   */
  static float[] ofCosine(float[] own, float[] other, double scale) {
    double cosine = cosine(own, other);
    double length = norm(own);
    double otherLength = norm(other);
    float[] gradient = new float[own.length];
    for (int e = 0; e < own.length; e++) {
      gradient[e] = (float) (scale * (other[e] / otherLength - cosine * own[e] / length) / length);
    }
    return gradient;
  }

  /** The cosine similarity of two vectors of any length. */
  static double cosine(float[] a, float[] b) {
    double sum = 0;
    for (int e = 0; e < a.length; e++) {
      sum += (double) a[e] * b[e];
    }
    return sum / (norm(a) * norm(b));
  }

  private static double norm(float[] vector) {
    double sum = 0;
    for (float value : vector) {
      sum += (double) value * value;
    }
    return Math.max(Math.sqrt(sum), 1e-12);
  }
}
