package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.clip4j.engine.TorchScript;

/**
 * The image encoder as a Vision Transformer (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * VisionTransformer}): patches are projected, a class token is put before them, positions are
 * added, and the class token after the last block is the image's feature.
 */
final class VisionTransformer implements ImageTower {

  /**
   * A convolution whose stride is its kernel is a linear map of each patch; as one matrix product
   * it is faster.
   */
  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(pixels, 0)
        x = torch.slice(torch.slice(pixels, 2, 0, {gh} * {P}), 3, 0, {gw} * {P})
        x = torch.reshape(x, [N, 3, {gh}, {P}, {gw}, {P}])
        x = torch.reshape(torch.permute(x, [0, 2, 4, 1, 3, 5]), [N, {gh} * {gw}, 3 * {P} * {P}])
        x = torch.linear(x, torch.reshape(p[0], [{D}, -1]))  # [N, L-1, D]
        token = torch.expand(torch.reshape(p[1], [1, 1, {D}]), [N, 1, {D}])
        x = torch.add(torch.cat([token, x], 1), p[2])  # [N, L, D]
        return torch.layer_norm(x, [{D}], p[3], p[4], {eps})

      """;

  private final TorchScript kernels;
  private final NDList embed;
  private final Transformer transformer;

  VisionTransformer(
      NDManager manager, VisionConfig config, boolean quickGelu, Map<String, NDArray> parameters) {
    String source =
        SOURCE
                .replace("{D}", Integer.toString(config.width()))
                .replace("{P}", Integer.toString(config.patchSize()))
                .replace("{gh}", Integer.toString(config.imageHeight() / config.patchSize()))
                .replace("{gw}", Integer.toString(config.imageWidth() / config.patchSize()))
                .replace("{eps}", Double.toString(ResidualAttentionBlock.EPSILON))
            + Transformer.source(
                config.width(), config.heads(), quickGelu, config.lsInitValue() != null, false);
    kernels = TorchScript.compile(manager, source);
    embed =
        list(
            parameters,
            "conv1.weight",
            "class_embedding",
            "positional_embedding",
            "ln_pre.weight",
            "ln_pre.bias");
    transformer =
        new Transformer(
            kernels,
            parameters,
            "visual.transformer.",
            config.layers().get(0),
            list(parameters, "ln_post.weight", "ln_post.bias", "proj"));
  }

  private static NDList list(Map<String, NDArray> parameters, String... names) {
    return TorchScript.list(
        Stream.of(names).map(name -> parameters.get("visual." + name)).toList());
  }

  @Override
  public NDArray forward(Forward pass, NDArray pixels, Consumer<NDArray> hiddenStates) {
    NDArray x = kernels.call(pass.mode(), "embed", pixels, embed); // [N, L, D]
    return transformer.forward(pass, x, pixels, hiddenStates); // [N, E], of the class token
  }
}
