package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.LinearLayout;
import org.clip4j.engine.internal.LinearLayout.Laid;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.engine.internal.LinearLayout.Place;
import org.clip4j.engine.internal.ObservingKernels;
import org.clip4j.engine.internal.QuantizedKernels;
import org.clip4j.engine.internal.TorchScript;
import org.jspecify.annotations.Nullable;

/**
 * Lays a tower's weights out for inference, see {@link LinearKernels}. What is constant goes into
 * the weights: the channels' scales (LayerScale), and the factor of an activation.
 */
final class PreparedLinear implements AutoCloseable {
  private final NDManager manager;
  private final Precision precision;
  private final LinearLayout layout;

  /** The model's parameters, of which those that are laid out are freed; null to keep all. */
  private @Nullable Map<String, NDArray> freed;

  /** After so many freed values their memory is given back, a few blocks' worth. */
  private static final long TRIMMED = 8L << 20;

  private long freedValues;

  /** Gives parameters that are not there yet. */
  private Map<String, Supplier<NDArray>> later = Map.of();

  private PreparedLinear(NDManager manager, Precision precision, LinearLayout layout) {
    this.manager = manager;
    this.precision = precision;
    this.layout = layout;
  }

  /**
   * Starts with no weights.
   *
   * @param model's manager
   * @return empty where the weights as they are serve best
   */
  static Optional<PreparedLinear> of(NDManager model, Precision precision, Activation activation) {
    return of(model, precision, own -> LinearKernels.of(own, precision, activation.inference));
  }

  /** As above, for weights of 8-bit integers; empty on devices that have no such products. */
  static Optional<PreparedLinear> quantized(
      NDManager model, Activation activation, Map<String, InputLevels> inputs) {
    return of(model, Precision.FP32, own -> QuantizedKernels.of(own, activation.inference, inputs));
  }

  /** As above, for plain products in float32 whose inputs are noted. */
  static PreparedLinear observing(NDManager model, ObservingKernels kernels) {
    return new PreparedLinear(model.newSubManager(), Precision.FP32, kernels);
  }

  private static Optional<PreparedLinear> of(
      NDManager model,
      Precision precision,
      Function<NDManager, Optional<? extends LinearLayout>> kernels) {
    NDManager manager = model.newSubManager();
    Optional<PreparedLinear> prepared =
        kernels.apply(manager).map(layout -> new PreparedLinear(manager, precision, layout));
    if (prepared.isEmpty()) {
      manager.close();
    }
    return prepared;
  }

  /**
   * Frees each parameter as soon as it is laid out, if then nothing else is needed of it: where
   * weights as they are are faster for many rows, all are kept.
   *
   * @param later gives those of them that are not there yet, and come when they are laid out
   */
  void free(Map<String, NDArray> parameters, Map<String, Supplier<NDArray>> later) {
    freed = layout.serves(Long.MAX_VALUE) ? parameters : null;
    this.later = later;
  }

  /** Makes a manager for what only laying out needs. */
  NDManager scratch() {
    return manager.newSubManager();
  }

  /** Brings a parameter that is not there yet; gives back any other. */
  NDArray whole(String parameter, NDArray array) {
    if (!later.containsKey(parameter)) {
      return array;
    }
    return freed.computeIfAbsent(
        parameter, name -> TorchScript.list(List.of(later.get(name).get())).get(0));
  }

  /** Called for each parameter that has been laid out; tells whether it was freed. */
  boolean laid(String parameter) {
    NDArray array = freed == null ? null : freed.remove(parameter);
    if (array == null) {
      return false;
    }
    freedValues += array.size();
    array.close();
    if (freedValues >= TRIMMED) { // else it stays with the thread that made the weights
      HostMemory.trim();
      freedValues = 0;
    }
    return true;
  }

  /** Owns the laid-out weights, and what is made for them. */
  NDManager manager() {
    return manager;
  }

  Precision precision() {
    return precision;
  }

  /** The functions that the kernels call. */
  String source() {
    return layout.source();
  }

  /**
   * Checks that the weights are there as they were, too.
   *
   * @throws IllegalStateException if they were freed
   */
  void requireKept() {
    if (freed != null) {
      throw new IllegalStateException(
          "the weights of this model are laid out for inference in "
              + precision
              + " and are not there as they were; for anything else load it so that it keeps its"
              + " weights");
    }
  }

  /** Whether a pass over so many rows is fastest with prepared weights. */
  boolean serves(Forward pass, long rows) {
    boolean serves =
        pass.purpose() == Forward.Purpose.EVALUATE
            && pass.precision() == precision
            && layout.serves(rows);
    if (!serves) {
      requireKept();
    }
    return serves;
  }

  /**
   * Lays a map out.
   *
   * @param place of the map in the model
   * @param weight that its rows are of
   * @param bias likewise; null for zeros
   * @param scale [outputs of {@code weight}], multiplied into the rows of both; null for none
   */
  Laid lay(LaidMap map, Place place, NDArray weight, NDArray bias, NDArray scale) {
    double factor = map.operation() == Operation.ACTIVATION ? layout.factor() : 1;
    double weightFactor = map.activated() ? factor / layout.factor() : factor;
    long size = map.to() - map.from();
    try (NDManager scratch = manager.newSubManager()) {
      NDArray weightRows = rows(scratch, size, weightFactor, scale);
      NDArray biasRows = rows(scratch, size, factor, scale);
      return layout.lay(manager, place, weight, bias, map.from(), weightRows, biasRows);
    }
  }

  /** Lays a table out whose rows are looked up, see {@link LinearLayout#layTable}. */
  Optional<Laid> layTable(NDArray table) {
    return layout.layTable(manager, table);
  }

  private static NDArray rows(NDManager scratch, long size, double factor, NDArray scale) {
    NDArray rows = scratch.full(new Shape(size), (float) factor);
    if (scale == null) {
      return rows;
    }
    NDArray own = scale.duplicate();
    own.attach(scratch);
    return rows.mul(own.flatten());
  }

  /** Frees the weights. */
  @Override
  public void close() {
    manager.close();
  }
}
