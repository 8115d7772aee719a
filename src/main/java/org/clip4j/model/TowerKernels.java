package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.clip4j.engine.Precision;
import org.clip4j.engine.TorchScript;

/** The kernels of one tower, compiled for each precision when it is first asked for. */
final class TowerKernels {
  private final NDManager manager;
  private final String source;
  private final Map<Precision, TorchScript> compiled = new ConcurrentHashMap<>();

  /**
   * Compiles them for float32.
   *
   * @param manager owns them
   * @param source see {@link Precision#applyTo}
   */
  TowerKernels(NDManager manager, String source) {
    this.manager = manager;
    this.source = source;
    in(Precision.FP32);
  }

  private TorchScript in(Precision precision) {
    return compiled.computeIfAbsent(
        precision, p -> TorchScript.compile(manager, p.applyTo(source)));
  }

  /** See {@link TorchScript#call}. */
  NDArray call(Forward pass, String method, Object... arguments) {
    return in(pass.precision()).call(pass.mode(), method, arguments);
  }
}
