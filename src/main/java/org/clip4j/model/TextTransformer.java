package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.clip4j.engine.TorchScript;

/**
 * The text encoder (Radford et al. 2021, section 2.4; the text half of OpenCLIP's {@code CLIP}): a
 * causal transformer whose output at the end-of-text token is the text's feature.
 *
 * <p>The end-of-text token is the row's largest id, as in OpenAI's tokenizer. Nothing after it can
 * reach it, so token ids may be cut to the longest text.
 */
final class TextTransformer {
  private static final String SOURCE =
      """
      def end(self, ids: Tensor) -> Tensor:
        return torch.argmax(ids, -1)  # [N], the first of equals

      def embed(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        return torch.add(torch.embedding(p[0], ids), torch.slice(p[1], 0, 0, torch.size(ids, 1)))  # [N, L, D]

      """;

  private final TorchScript kernels;
  private final NDList embed;
  private final Transformer transformer;

  TextTransformer(
      NDManager manager, TextConfig config, boolean quickGelu, Map<String, NDArray> parameters) {
    String source =
        SOURCE
            + Transformer.source(
                config.width(), config.heads(), quickGelu, config.lsInitValue() != null, true);
    kernels = TorchScript.compile(manager, source);
    embed =
        TorchScript.list(
            List.of(
                parameters.get("token_embedding.weight"), parameters.get("positional_embedding")));
    NDList project =
        TorchScript.list(
            List.of(
                parameters.get("ln_final.weight"),
                parameters.get("ln_final.bias"),
                parameters.get("text_projection")));
    transformer = new Transformer(kernels, parameters, "transformer.", config.layers(), project);
  }

  /**
   * Encodes a batch.
   *
   * @param ids [N, L], int64, L at most the context length; its manager owns all that is made
   * @param hiddenStates given the output of the embedding and of each block; null if not wanted
   * @return [N, E], not normalised
   */
  NDArray forward(Forward pass, NDArray ids, Consumer<NDArray> hiddenStates) {
    NDArray end = kernels.call(pass.mode(), "end", ids); // [N]
    NDArray x = kernels.call(pass.mode(), "embed", ids, embed); // [N, L, D]
    return transformer.forward(pass, x, end, hiddenStates); // [N, E]
  }
}
