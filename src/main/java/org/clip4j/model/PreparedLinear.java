package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Optional;
import org.clip4j.engine.LinearKernels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.TorchScript;

/**
 * Lays a tower's weights out for inference, see {@link LinearKernels}. What is constant goes into
 * the weights: the channels' scales (LayerScale), and the factor of an activation.
 */
final class PreparedLinear implements AutoCloseable {
  private final NDManager manager;
  private final Precision precision;
  private final LinearKernels kernels;
  private final Activation activation;

  private PreparedLinear(
      NDManager manager, Precision precision, LinearKernels kernels, Activation activation) {
    this.manager = manager;
    this.precision = precision;
    this.kernels = kernels;
    this.activation = activation;
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
        LinearKernels.of(manager, precision)
            .map(kernels -> new PreparedLinear(manager, precision, kernels, activation));
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
    return kernels.source(activation.inference);
  }

  /** Whether a pass over so many rows is fastest with prepared weights. */
  boolean serves(Forward pass, long rows) {
    return pass.purpose() == Forward.Purpose.EVALUATE
        && pass.precision() == precision
        && kernels.serves(rows);
  }

  /** What a weight before the activation is multiplied by, and one after it divided. */
  double activationFactor() {
    return kernels.factor(activation.inference);
  }

  /**
   * Lays rows {@code from} to {@code to} of a weight or bias out.
   *
   * @param scale [outputs of {@code array}], multiplied into the rows; null for none
   */
  NDArray rows(NDArray array, long from, long to, double factor, NDArray scale) {
    try (NDManager scratch = manager.newSubManager()) {
      NDArray rows = scratch.full(new Shape(to - from), (float) factor);
      if (scale != null) {
        NDArray own = scale.duplicate();
        own.attach(scratch);
        rows = rows.mul(own);
      }
      return kernels.lay(manager, array, from, rows);
    }
  }

  /** Lays all of a weight or bias out. */
  NDArray all(NDArray array, double factor, NDArray scale) {
    return rows(array, 0, array.size(0), factor, scale);
  }

  /** A bias of zeros. */
  NDArray noBias(long outputs) {
    try (NDManager scratch = manager.newSubManager()) {
      Shape shape = new Shape(outputs);
      NDArray bias = TorchScript.list(List.of(scratch.zeros(shape))).get(0);
      return kernels.lay(manager, bias, 0, scratch.zeros(shape));
    }
  }

  /** Frees the weights. */
  @Override
  public void close() {
    manager.close();
  }
}
