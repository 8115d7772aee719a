package org.clip4j.model;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Holds the weights that one tower has laid out for inference, if it has. */
final class InferenceWeights {
  private final Consumer<@Nullable PreparedLinear> tower;
  private @Nullable PreparedLinear weights;

  /** Takes what lays a tower's weights out, or with null goes back to them as they are. */
  InferenceWeights(Consumer<@Nullable PreparedLinear> tower) {
    this.tower = tower;
  }

  /** Lays the weights out; none are laid out before. */
  void set(PreparedLinear laid) {
    weights = laid;
    tower.accept(laid);
  }

  /**
   * Goes back to the weights as they are, if they are laid out.
   *
   * @throws IllegalStateException if they were freed
   */
  void release() {
    if (weights != null) {
      weights.requireKept();
      tower.accept(null);
      weights.close();
      weights = null;
    }
  }
}
