package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Holds what an encoder computed on the way from one input to its embedding, recorded so that
 * gradients of the embedding can be taken. All arrays are owned by the input's manager.
 *
 * @param embedding [1, E], not normalised
 * @param states the output of the embedding of patches or tokens, and of each block, [1, L, D], a
 *     class token's row first; of a ModifiedResNet those of the stem and of each bottleneck, [1,
 *     channels, h, w]
 * @param attention of each block, [1, H, L, L], each row a distribution over what it looks at; none
 *     of a ModifiedResNet
 * @param poolingAttention of the learned queries that pool the last state, [1, H, queries, L],
 *     whose results are averaged; null where there is none
 * @param pooled the share that each row of the last state has in the embedding, L values; null
 *     where attention pools
 */
public record Trace(
    NDArray embedding,
    List<NDArray> states,
    List<NDArray> attention,
    @Nullable NDArray poolingAttention,
    float @Nullable [] pooled) {

  /** Copies the lists and the shares. */
  public Trace {
    states = List.copyOf(states);
    attention = List.copyOf(attention);
    pooled = pooled == null ? null : pooled.clone();
  }

  /** Returns a copy of the shares. */
  @Override
  public float @Nullable [] pooled() {
    return pooled == null ? null : pooled.clone();
  }
}
