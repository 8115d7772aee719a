package org.clip4j.model;

import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.ObservingKernels;
import org.jspecify.annotations.Nullable;

/** Lays the weights of one tower out for inference. */
final class InferenceWeights {
  private final ModelWeights weights;
  private final Supplier<@Nullable Activation> activation;
  private final Consumer<@Nullable PreparedLinear> tower;
  private @Nullable PreparedLinear laid;

  /**
   * Lays nothing out yet.
   *
   * @param activation of the tower's blocks; null where weights cannot be laid out
   * @param tower takes laid-out weights, or with null goes back to them as they are
   */
  InferenceWeights(
      ModelWeights weights,
      Supplier<@Nullable Activation> activation,
      Consumer<@Nullable PreparedLinear> tower) {
    this.weights = weights;
    this.activation = activation;
    this.tower = tower;
  }

  /** Lays them out so that passes of a precision are fastest. */
  void prepare(Precision precision) {
    use(activation().flatMap(kind -> PreparedLinear.of(weights.manager(), precision, kind)));
  }

  /** Lays them out as 8-bit integers. */
  void quantize(Map<String, InputLevels> inputs) {
    use(activation().flatMap(kind -> PreparedLinear.quantized(weights.manager(), kind, inputs)));
  }

  /** Lays them out so that the inputs of the maps are noted; empty where that cannot be. */
  Optional<InputObserver> observe() {
    return activation()
        .map(
            kind -> {
              ObservingKernels kernels = new ObservingKernels(weights.manager(), kind.inference);
              use(Optional.of(PreparedLinear.observing(weights.manager(), kernels)));
              return new InputObserver(kernels);
            });
  }

  private Optional<Activation> activation() {
    return Optional.ofNullable(activation.get());
  }

  private void use(Optional<PreparedLinear> next) {
    release();
    if (next.isPresent()) {
      laid = next.get();
      weights.free(laid);
      tower.accept(laid);
      if (!weights.isKept()) {
        HostMemory.trim();
      }
    }
  }

  /**
   * Goes back to the weights as they are, if they are laid out.
   *
   * @throws IllegalStateException if they were freed
   */
  void release() {
    if (laid != null) {
      laid.requireKept();
      tower.accept(null);
      laid.close();
      laid = null;
    }
  }
}
