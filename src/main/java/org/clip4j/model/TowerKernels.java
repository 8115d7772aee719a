package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.LinearKernels;
import org.clip4j.engine.internal.PlainArithmetic;
import org.clip4j.engine.internal.PrecisionKernels;
import org.clip4j.engine.internal.TorchScript;

/** The kernels of one tower, compiled for each use and precision when they are first needed. */
final class TowerKernels {

  /** What the source of kernels is written for. */
  enum Use {
    /** Recorded for a backward pass, or the same numbers without. */
    TRAIN,
    /** Not recorded, so that values may be overwritten. */
    EVALUATE,
    /** As {@link #EVALUATE}, of weights that are laid out by {@link LinearKernels}. */
    PREPARED
  }

  private record Variant(Use use, Precision precision, String functions, boolean plain) {}

  private final NDManager manager;
  private final BiFunction<Use, Precision, String> source;
  private final Map<Variant, TorchScript> compiled = new ConcurrentHashMap<>();

  /**
   * Takes the source.
   *
   * @param manager owns the kernels
   * @param source see {@link PrecisionKernels#applyTo}
   */
  TowerKernels(NDManager manager, Function<Use, String> source) {
    this(manager, (use, precision) -> source.apply(use));
  }

  /** As above, with parts that each precision has its own source for. */
  TowerKernels(NDManager manager, BiFunction<Use, Precision, String> source) {
    this.manager = manager;
    this.source = source;
  }

  /** See {@link TorchScript#call}. */
  NDArray call(Forward pass, String method, Object... arguments) {
    return kernels(pass).call(pass.mode(), method, arguments);
  }

  /** See {@link TorchScript#callForAll}. */
  NDList callForAll(Forward pass, String method, Object... arguments) {
    return kernels(pass).callForAll(pass.mode(), method, arguments);
  }

  private TorchScript kernels(Forward pass) {
    Use use = pass.purpose() == Forward.Purpose.EVALUATE ? Use.EVALUATE : Use.TRAIN;
    return kernels(use, pass.precision(), "");
  }

  /** As {@link #call}, with prepared weights among the arguments. */
  NDArray call(PreparedLinear prepared, String method, Object... arguments) {
    return kernels(Use.PREPARED, prepared.precision(), prepared.source())
        .call(TorchScript.Mode.INFERENCE, method, arguments);
  }

  private TorchScript kernels(Use use, Precision precision, String functions) {
    return compiled.computeIfAbsent(
        new Variant(use, precision, functions, PlainArithmetic.isAsked()),
        variant ->
            TorchScript.compile(
                manager,
                PrecisionKernels.applyTo(
                    precision, source.apply(use, precision) + functions, manager.getDevice())));
  }
}
