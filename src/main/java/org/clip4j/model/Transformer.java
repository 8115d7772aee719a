package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.clip4j.engine.TorchScript;

/** A stack of residual attention blocks, and the projection of the one row that a tower pools. */
final class Transformer {
  private static final String SOURCE =
      """

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.matmul(torch.layer_norm(x, [{D}], p[0], p[1], {eps}), p[2])  # [N, E]
      """;

  private final TorchScript kernels;
  private final List<ResidualAttentionBlock> resblocks;
  private final NDList project;

  /**
   * Takes the parameters of one tower.
   *
   * @param kernels compiled from {@link #source}, among others
   * @param project the last LayerNorm's weight and bias, and the projection [D, E]
   */
  Transformer(
      TorchScript kernels,
      Map<String, NDArray> parameters,
      String prefix,
      int layers,
      NDList project) {
    this.kernels = kernels;
    this.project = project;
    resblocks =
        IntStream.range(0, layers)
            .mapToObj(
                i ->
                    new ResidualAttentionBlock(
                        kernels, parameters, prefix + "resblocks." + i + "."))
            .toList();
  }

  /** The functions of one tower's blocks and projection, see {@link ResidualAttentionBlock}. */
  static String source(
      int width, int heads, boolean quickGelu, boolean layerScale, boolean causal) {
    return ResidualAttentionBlock.source(width, heads, quickGelu, layerScale, causal)
        + SOURCE
            .replace("{D}", Integer.toString(width))
            .replace("{eps}", Double.toString(ResidualAttentionBlock.EPSILON));
  }

  /**
   * Runs all blocks. What lies between two of them is closed at once: autograd keeps what it needs.
   *
   * @param x [N, L, D], closed
   * @param row [N], int64, the row pooled in each sequence; any array where the class token is
   *     pooled
   * @param hiddenStates given x and each block's complete output; null if not wanted, and then the
   *     last block computes only what is pooled
   * @return [N, E]
   */
  NDArray forward(Forward pass, NDArray x, NDArray row, Consumer<NDArray> hiddenStates) {
    int last = resblocks.size() - 1;
    NDArray pooled; // [N, D]
    if (hiddenStates == null) {
      for (ResidualAttentionBlock block : resblocks.subList(0, last)) {
        NDArray next = block.forward(pass, x);
        x.close();
        x = next;
      }
      pooled = resblocks.get(last).forwardAt(pass, x, row);
      x.close();
    } else {
      hiddenStates.accept(x);
      for (ResidualAttentionBlock block : resblocks) {
        x = block.forward(pass, x);
        hiddenStates.accept(x);
      }
      pooled = kernels.call(pass.mode(), "at", x, row);
    }
    return kernels.call(pass.mode(), "project", pooled, project);
  }
}
