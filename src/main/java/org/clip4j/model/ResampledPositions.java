package org.clip4j.model;

import java.nio.FloatBuffer;

/**
 * Gives the parameters of a ViT for images of another size than it was trained on: the positional
 * embeddings of its grid of patches are resampled (bicubic, anti-aliased where the grid shrinks, as
 * OpenCLIP's {@code resize_pos_embed}); all others stay.
 */
public final class ResampledPositions implements ParameterSource {
  /** Of the cubic kernel, as Pillow's and PyTorch's anti-aliased one. */
  private static final double A = -0.5;

  private final ParameterSource source;
  private final ImageDeclaration.Positions positions;
  private final VisionTransformerConfig from;
  private final VisionTransformerConfig to;

  /**
   * Wraps the parameters of a model.
   *
   * @param source parameters of {@code from}
   * @param from a model whose image tower is a transformer over patches
   * @param to the same but for its image size, see {@link ClipConfig#withImageSize}
   * @throws IllegalArgumentException if the tower takes images of one size
   */
  public ResampledPositions(ParameterSource source, ClipConfig from, ClipConfig to) {
    this.source = source;
    positions = ImageDeclaration.of(from).positions();
    if (positions == null
        || !(from.vision() instanceof VisionTransformerConfig old)
        || !(to.vision() instanceof VisionTransformerConfig resized)) {
      throw new IllegalArgumentException(
          "a "
              + from.vision().family()
              + " takes images of one size, "
              + from.vision().imageHeight()
              + "; only a ViT can be loaded at another");
    }
    this.from = old;
    this.to = resized;
  }

  @Override
  public FloatBuffer read(String parameter) {
    FloatBuffer values = source.read(parameter);
    return parameter.equals(positions.name()) ? resample(values) : values;
  }

  @Override
  public void copy(String parameter, long start, FloatBuffer target) {
    if (parameter.equals(positions.name())) {
      ParameterSource.super.copy(parameter, start, target);
    } else {
      source.copy(parameter, start, target);
    }
  }

  private FloatBuffer resample(FloatBuffer values) {
    int width = from.width();
    int token = positions.before() * width; // not of the grid
    float[] grid = new float[values.remaining()];
    values.duplicate().get(grid);
    double[] rows = new double[to.gridHeight() * from.gridWidth() * width];
    double[][] vertical = weights(from.gridHeight(), to.gridHeight());
    for (int y = 0; y < to.gridHeight(); y++) {
      for (int s = 0; s < from.gridHeight(); s++) {
        double weight = vertical[y][s];
        for (int i = 0; weight != 0 && i < from.gridWidth() * width; i++) {
          rows[y * from.gridWidth() * width + i] +=
              weight * grid[token + s * from.gridWidth() * width + i];
        }
      }
    }
    FloatBuffer result =
        FloatBuffer.allocate(token + to.gridHeight() * to.gridWidth() * width).put(grid, 0, token);
    double[][] horizontal = weights(from.gridWidth(), to.gridWidth());
    for (int y = 0; y < to.gridHeight(); y++) {
      for (int x = 0; x < to.gridWidth(); x++) {
        for (int d = 0; d < width; d++) {
          double sum = 0;
          for (int s = 0; s < from.gridWidth(); s++) {
            sum += horizontal[x][s] * rows[(y * from.gridWidth() + s) * width + d];
          }
          result.put((float) sum);
        }
      }
    }
    return result.flip();
  }

  /** How much each source counts for each target; the weights of a target sum to 1. */
  private static double[][] weights(int sources, int targets) {
    double scale = (double) sources / targets;
    double stretch = Math.max(scale, 1);
    double[][] weights = new double[targets][sources];
    for (int t = 0; t < targets; t++) {
      double centre = (t + 0.5) * scale;
      double sum = 0;
      for (int s = 0; s < sources; s++) {
        weights[t][s] = cubic((s + 0.5 - centre) / stretch);
        sum += weights[t][s];
      }
      for (int s = 0; s < sources; s++) {
        weights[t][s] /= sum;
      }
    }
    return weights;
  }

  private static double cubic(double x) {
    double t = Math.abs(x);
    if (t < 1) {
      return ((A + 2) * t - (A + 3)) * t * t + 1;
    }
    return t < 2 ? A * (((t - 5) * t + 8) * t - 4) : 0;
  }
}
