package org.clip4j.model;

import java.util.List;

/**
 * Describes one parameter or buffer of a model: its name in OpenCLIP's checkpoints, its shape, and
 * how OpenCLIP initialises it.
 *
 * @param name for example {@code visual.conv1.weight}
 * @param shape its dimensions; empty for a scalar
 * @param buffer whether it is a running statistic, saved but not trained
 * @param init initial values
 */
public record ParameterSpec(String name, List<Long> shape, boolean buffer, Init init) {

  /** Copies the shape. */
  public ParameterSpec {
    shape = List.copyOf(shape);
  }

  /** Names the distribution of initial values: all are drawn from one of these. */
  public enum Distribution {
    /** One value for all, {@link Init#value}. */
    CONSTANT,
    /** Normal with mean 0 and standard deviation {@link Init#value}. */
    NORMAL,
    /** The distribution {@link #NORMAL}, drawn again where beyond two standard deviations. */
    TRUNCATED_NORMAL,
    /** Uniform in [-{@link Init#value}, {@link Init#value}). */
    UNIFORM
  }

  /**
   * Says what initial values are drawn from.
   *
   * @param distribution what they are drawn from
   * @param value its one number, see {@link Distribution}
   */
  public record Init(Distribution distribution, double value) {
    static Init constant(double value) {
      return new Init(Distribution.CONSTANT, value);
    }

    static Init normal(double std) {
      return new Init(Distribution.NORMAL, std);
    }

    static Init truncated(double std) {
      return new Init(Distribution.TRUNCATED_NORMAL, std);
    }

    static Init uniform(double bound) {
      return new Init(Distribution.UNIFORM, bound);
    }

    /** Gives PyTorch's own for weights and biases: Kaiming uniform with a = sqrt(5). */
    static Init uniformOf(double inputs) {
      return uniform(1 / Math.sqrt(inputs));
    }
  }

  /** Returns the number of values. */
  public long count() {
    long count = 1;
    for (long dim : shape) {
      count = Math.multiplyExact(count, dim);
    }
    return count;
  }

  /** Lists all parameters and buffers of a model, in the order of OpenCLIP's classes. */
  public static List<ParameterSpec> of(ClipConfig config) {
    return ParameterSpecs.of(config);
  }
}
