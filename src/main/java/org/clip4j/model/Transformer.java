package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.clip4j.engine.TorchScript;

/** A stack of residual attention blocks, and the one row of its output that a tower pools. */
final class Transformer {
  private final TorchScript kernels;
  private final List<ResidualAttentionBlock> resblocks;

  Transformer(TorchScript kernels, Map<String, NDArray> parameters, String prefix, int layers) {
    this.kernels = kernels;
    resblocks =
        IntStream.range(0, layers)
            .mapToObj(
                i ->
                    new ResidualAttentionBlock(
                        kernels, parameters, prefix + "resblocks." + i + "."))
            .toList();
  }

  /**
   * Runs all blocks.
   *
   * @param x [N, L, D]
   * @param row [N], int64, the row pooled in each sequence; any array where the class token is
   *     pooled
   * @param hiddenStates given x and each block's complete output; null if not wanted, and then the
   *     last block computes only what is pooled
   * @return [N, D]
   */
  NDArray forward(Forward pass, NDArray x, NDArray row, Consumer<NDArray> hiddenStates) {
    int last = resblocks.size() - 1;
    if (hiddenStates == null) {
      for (ResidualAttentionBlock block : resblocks.subList(0, last)) {
        x = block.forward(pass, x);
      }
      return resblocks.get(last).forwardAt(pass, x, row);
    }
    hiddenStates.accept(x);
    for (ResidualAttentionBlock block : resblocks) {
      x = block.forward(pass, x);
      hiddenStates.accept(x);
    }
    return kernels.call(pass.mode(), "at", x, row);
  }
}
