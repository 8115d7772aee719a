package org.clip4j.model;

import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Gives the parameters of a ViT for images of another size than it was trained on: the positional
 * embeddings of its grid of patches are resampled (bicubic, anti-aliased where the grid shrinks, as
 * OpenCLIP's {@code resize_pos_embed}, or as transformers does in a forward pass); all others stay.
 */
public final class ResampledPositions implements ParameterSource {
  /** Says whose numbers the positional embeddings become. */
  public enum Rule {
    /** The cubic kernel of Pillow and of PyTorch's anti-aliased one, within the grid. */
    OPENCLIP(-0.5),
    /**
     * {@code interpolate_pos_encoding}: PyTorch's plain kernel, beyond the edge the edge itself.
     */
    TRANSFORMERS(-0.75);

    private final double a;

    Rule(double a) {
      this.a = a;
    }

    private double cubic(double x) {
      double t = Math.abs(x);
      if (t < 1) {
        return ((a + 2) * t - (a + 3)) * t * t + 1;
      }
      return t < 2 ? a * (((t - 5) * t + 8) * t - 4) : 0;
    }

    /** How much each source counts for each target; the weights of a target sum to 1. */
    private double[][] weights(int sources, int targets) {
      double scale = (double) sources / targets;
      double stretch = this == OPENCLIP ? Math.max(scale, 1) : 1;
      int beyond = this == OPENCLIP ? 0 : 2; // as far as the kernel reaches
      double[][] weights = new double[targets][sources];
      for (int t = 0; t < targets; t++) {
        double centre = (t + 0.5) * scale;
        double sum = 0;
        for (int s = -beyond; s < sources + beyond; s++) {
          double weight = cubic((s + 0.5 - centre) / stretch);
          weights[t][Math.max(0, Math.min(sources - 1, s))] += weight;
          sum += weight;
        }
        for (int s = 0; s < sources; s++) {
          weights[t][s] /= sum;
        }
      }
      return weights;
    }
  }

  private final ParameterSource source;
  private final ImageDeclaration.@Nullable Positions positions;
  private final VisionTransformerConfig from;
  private final VisionTransformerConfig to;
  private final ClipConfig whole;
  private final Rule rule;

  /**
   * Wraps the parameters of a model.
   *
   * @param source parameters of {@code from}
   * @param from a model whose image tower is a transformer over patches
   * @param to the same but for its image size, see {@link ClipConfig#withImageSize}
   * @throws IllegalArgumentException if the tower takes images of one size
   */
  public ResampledPositions(ParameterSource source, ClipConfig from, ClipConfig to, Rule rule) {
    this.source = source;
    this.rule = rule;
    whole = from;
    positions = ImageDeclaration.of(from).positions();
    if (!(from.vision() instanceof VisionTransformerConfig old)
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

  /** Gives the same parameters, resampled for yet another size. */
  public ResampledPositions at(ClipConfig other) {
    return new ResampledPositions(source, whole, other, rule);
  }

  @Override
  public FloatBuffer read(String parameter) {
    FloatBuffer values = source.read(parameter);
    return isResampled(parameter) ? resample(values) : values;
  }

  @Override
  public void copy(String parameter, long start, FloatBuffer target) {
    if (isResampled(parameter)) {
      ParameterSource.super.copy(parameter, start, target);
    } else {
      source.copy(parameter, start, target);
    }
  }

  private boolean isResampled(String parameter) {
    return positions != null && parameter.equals(positions.name());
  }

  private FloatBuffer resample(FloatBuffer values) {
    int width = from.width();
    int token = positions.before() * width; // not of the grid
    float[] grid = new float[values.remaining()];
    values.duplicate().get(grid);
    double[] rows = new double[to.gridHeight() * from.gridWidth() * width];
    double[][] vertical = rule.weights(from.gridHeight(), to.gridHeight());
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
    double[][] horizontal = rule.weights(from.gridWidth(), to.gridWidth());
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
}
