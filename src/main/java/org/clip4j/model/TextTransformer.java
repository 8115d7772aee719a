package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.clip4j.engine.TorchScript;

/**
 * The text encoder (Radford et al. 2021, section 2.4; OpenCLIP's {@code TextTransformer}, and the
 * text half of its {@code CLIP}): a transformer whose output at one token, by default the
 * end-of-text token, is the text's feature.
 *
 * <p>Where attention is causal nothing after the pooled token can reach it, so token ids may be cut
 * to the longest text, see {@link TextConfig#cutsPadding}.
 */
final class TextTransformer {
  private static final String SOURCE =
      """
      def pooled_row(self, ids: Tensor) -> Tensor:
        return {row}  # [N]

      def embed(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        return torch.add(torch.embedding(p[0], ids), torch.slice(p[1], 0, 0, torch.size(ids, 1)))  # [N, L, D]

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.layer_norm(x, [{D}], p[0], p[1], {eps})
        return {project}  # [N, E]

      """;

  /** argmax gives the first of equals. */
  private static final Map<TextPooling, String> ROW =
      Map.of(
          TextPooling.FIRST, "torch.zeros_like(torch.select(ids, 1, 0))",
          TextPooling.LAST, "torch.full_like(torch.select(ids, 1, 0), torch.size(ids, 1) - 1)",
          TextPooling.ARGMAX, "torch.argmax(ids, -1)",
          TextPooling.EOS, "torch.argmax(torch.to(torch.eq(ids, {eos}), 3), -1)");

  private static final Map<TextProjection, String> PROJECT =
      Map.of(
          TextProjection.MATRIX, "self.full(self.matmul(x, p[2]))",
          TextProjection.LINEAR, "self.full(self.linear(x, p[2], p[3]))",
          TextProjection.NONE, "x");

  private final TowerKernels kernels;
  private final NDList embed;
  private final Transformer transformer;
  private final NDList project;

  TextTransformer(NDManager manager, ClipConfig config, Map<String, NDArray> parameters) {
    TextConfig text = config.text();
    String prefix = ParameterSpecs.textPrefix(config);
    ResidualAttentionBlock.Kind kind =
        ResidualAttentionBlock.Kind.of(text, config.textActivation());
    String own =
        SOURCE
            .replace("{row}", ROW.get(text.pooling()))
            .replace("{eos}", Integer.toString(text.eosId()))
            .replace("{project}", PROJECT.get(text.projection()))
            .replace("{D}", Integer.toString(text.width()))
            .replace("{eps}", Double.toString(text.normEpsilon()));
    kernels = new TowerKernels(manager, use -> own + ResidualAttentionBlock.source(kind, use));
    embed =
        TorchScript.list(
            List.of(
                parameters.get(prefix + "token_embedding.weight"),
                parameters.get(prefix + "positional_embedding")));
    transformer =
        new Transformer(
            kind, kernels, parameters, prefix + "transformer.resblocks.", text.layers());
    List<NDArray> last = new ArrayList<>();
    last.add(parameters.get(prefix + "ln_final.weight"));
    last.add(parameters.get(prefix + "ln_final.bias"));
    switch (text.projection()) {
      case MATRIX -> last.add(parameters.get(prefix + "text_projection"));
      case LINEAR -> {
        last.add(parameters.get(prefix + "text_projection.weight"));
        last.add(parameters.get(prefix + "text_projection.bias"));
      }
      case NONE -> {} // the feature is the embedding
    }
    project = TorchScript.list(last);
  }

  /** See {@link ImageTower#prepare}. */
  void prepare(PreparedLinear linear) {
    transformer.prepare(linear, true);
  }

  /**
   * Encodes a batch.
   *
   * @param ids [N, L], int64, L at most the context length; its manager owns all that is made
   * @param hiddenStates given the output of the embedding and of each block; null if not wanted
   * @return [N, E], not normalised
   */
  NDArray forward(Forward pass, NDArray ids, Consumer<NDArray> hiddenStates) {
    NDArray row = kernels.call(pass, "pooled_row", ids); // [N]
    NDArray x = kernels.call(pass, "embed", ids, embed); // [N, L, D]
    NDArray pooled = transformer.forwardAt(pass, x, row, hiddenStates); // [N, D]
    return kernels.call(pass, "project", pooled, project); // [N, E]
  }
}
