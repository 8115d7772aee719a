package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Optional;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.LinearKernels.Laid;
import org.clip4j.engine.internal.LinearKernels.Operation;
import org.clip4j.model.Parameters.LinearMap;

/**
 * Lays a tower's weights out for inference, see {@link LinearKernels}. What is constant goes into
 * the weights: the channels' scales (LayerScale), and the factor of an activation.
 */
final class PreparedLinear implements AutoCloseable {
  private final NDManager manager;
  private final Precision precision;
  private final LinearKernels kernels;

  private PreparedLinear(NDManager manager, Precision precision, LinearKernels kernels) {
    this.manager = manager;
    this.precision = precision;
    this.kernels = kernels;
  }

  /**
   * Starts with no weights.
   *
   * @param model's manager
   * @return empty where the weights as they are serve best
   */
  static Optional<PreparedLinear> of(NDManager model, Precision precision, Activation activation) {
    NDManager manager = model.newSubManager();
    Optional<PreparedLinear> prepared =
        LinearKernels.of(manager, precision, activation.inference)
            .map(kernels -> new PreparedLinear(manager, precision, kernels));
    if (prepared.isEmpty()) {
      manager.close();
    }
    return prepared;
  }

  Precision precision() {
    return precision;
  }

  /** The functions that the kernels call. */
  String source() {
    return kernels.source();
  }

  /** Whether a pass over so many rows is fastest with prepared weights. */
  boolean serves(Forward pass, long rows) {
    return pass.purpose() == Forward.Purpose.EVALUATE
        && pass.precision() == precision
        && kernels.serves(rows);
  }

  /**
   * Lays a map out.
   *
   * @param weight that its rows are of
   * @param bias likewise; null for zeros
   * @param scale [outputs of {@code weight}], multiplied into the rows of both; null for none
   */
  Laid lay(LinearMap map, NDArray weight, NDArray bias, NDArray scale) {
    double factor = map.operation() == Operation.ACTIVATION ? kernels.factor() : 1;
    double weightFactor = map.activated() ? factor / kernels.factor() : factor;
    long size = map.to() - map.from();
    try (NDManager scratch = manager.newSubManager()) {
      NDArray weightRows = rows(scratch, size, weightFactor, scale);
      NDArray biasRows = rows(scratch, size, factor, scale);
      return kernels.lay(manager, weight, bias, map.from(), weightRows, biasRows, map.operation());
    }
  }

  private static NDArray rows(NDManager scratch, long size, double factor, NDArray scale) {
    NDArray rows = scratch.full(new Shape(size), (float) factor);
    if (scale == null) {
      return rows;
    }
    NDArray own = scale.duplicate();
    own.attach(scratch);
    return rows.mul(own);
  }

  /** Frees the weights. */
  @Override
  public void close() {
    manager.close();
  }
}
