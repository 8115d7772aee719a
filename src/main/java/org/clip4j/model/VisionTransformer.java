package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.clip4j.engine.TorchScript;

/**
 * The image encoder as a Vision Transformer (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * VisionTransformer}): patches are projected, a class token is put before them, positions are
 * added, and the class token after the last block, or the mean of the patches, is the image's
 * feature.
 */
final class VisionTransformer implements ImageTower {
  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(pixels, 0)
        x = torch.linear(self.patches(pixels), torch.reshape(p[0], [{D}, -1]))  # [N, L-1, D]
        token = torch.expand(torch.reshape(p[1], [1, 1, {D}]), [N, 1, {D}])
        x = torch.add(torch.cat([token, x], 1), p[2])  # [N, L, D]
        return {ln_pre}

      def norm(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.layer_norm(x, [{D}], p[0], p[1], {eps})

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.matmul(self.norm(x, p), p[2])  # [N, E], of [N, D]

      def project_mean(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.matmul({mean}, p[2])  # [N, E], of [N, L, D]

      """;

  /**
   * A convolution whose stride is its kernel is a linear map of each patch; as one matrix product
   * it is faster. What is left of a grid that does not divide the image is cut off.
   */
  private static final String PATCHES =
      """
      def patches(self, pixels: Tensor) -> Tensor:
        N = torch.size(pixels, 0)
        x = torch.slice(torch.slice(pixels, 2, 0, {gh} * {P}), 3, 0, {gw} * {P})
        x = torch.reshape(x, [N, 3, {gh}, {P}, {gw}, {P}])
        return torch.reshape(torch.permute(x, [0, 2, 4, 1, 3, 5]), [N, {gh} * {gw}, 3 * {P} * {P}])

      """;

  private static final String MEAN = "torch.mean(torch.slice(x, 1, 1), [1])";

  private final TorchScript kernels;
  private final boolean mean;
  private final NDList embed;
  private final Transformer transformer;
  private final NDList project;

  VisionTransformer(NDManager manager, ClipConfig config, Map<String, NDArray> parameters) {
    VisionConfig vision = config.vision();
    mean = vision.pooling() == ImagePooling.AVG;
    kernels =
        TorchScript.compile(
            manager,
            patches(vision)
                + SOURCE
                    .replace(
                        "{ln_pre}",
                        vision.lnPre() ? "torch.layer_norm(x, [{D}], p[3], p[4], {eps})" : "x")
                    .replace(
                        "{mean}",
                        vision.lnAfterPool()
                            ? "self.norm(" + MEAN + ", p)"
                            : MEAN.replace("x", "self.norm(x, p)"))
                    .replace("{D}", Integer.toString(vision.width()))
                    .replace("{eps}", Double.toString(vision.normEpsilon()))
                + ResidualAttentionBlock.source(
                    ResidualAttentionBlock.Kind.of(vision, config.visionActivation())));
    List<String> names =
        new ArrayList<>(List.of("conv1.weight", "class_embedding", "positional_embedding"));
    if (vision.lnPre()) {
      names.addAll(List.of("ln_pre.weight", "ln_pre.bias"));
    }
    embed = list(parameters, names.stream());
    transformer =
        new Transformer(
            kernels, parameters, "visual.transformer.resblocks.", vision.layers().get(0));
    project = list(parameters, Stream.of("ln_post.weight", "ln_post.bias", "proj"));
  }

  /** The function {@code patches}: [N, 3, height, width] to [N, patches, values of a patch]. */
  static String patches(VisionConfig vision) {
    return PATCHES
        .replace("{P}", Integer.toString(vision.patchSize()))
        .replace("{gh}", Integer.toString(vision.gridHeight()))
        .replace("{gw}", Integer.toString(vision.gridWidth()));
  }

  private static NDList list(Map<String, NDArray> parameters, Stream<String> names) {
    return TorchScript.list(names.map(name -> parameters.get("visual." + name)).toList());
  }

  @Override
  public NDArray forward(Forward pass, NDArray pixels, Consumer<NDArray> hiddenStates) {
    NDArray x = kernels.call(pass.mode(), "embed", pixels, embed); // [N, L, D]
    if (mean) {
      NDArray last = transformer.forward(pass, x, hiddenStates); // [N, L, D]
      return kernels.call(pass.mode(), "project_mean", last, project); // [N, E]
    }
    NDArray token = transformer.forwardAt(pass, x, pixels, hiddenStates); // [N, D]
    return kernels.call(pass.mode(), "project", token, project); // [N, E]
  }
}
