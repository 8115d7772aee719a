package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ParameterSpec.Init;
import org.clip4j.model.ResidualAttentionBlock.Kind;

/**
 * The image encoder as a Vision Transformer (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * VisionTransformer}): patches are projected, a class token is put before them, positions are
 * added, and the class token after the last block, or the mean of the patches, is the image's
 * feature.
 */
final class VisionTransformer implements ImageTower {
  static final String PREFIX = "visual.";
  private static final String BLOCKS = "transformer.resblocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        return self.tokens(self.patches(pixels), {positional_embedding}, p)  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        first = torch.expand(torch.slice({positional_embedding}, 0, 0, 1), [torch.size(kept, 0), 1, {D}])
        positions = torch.cat([first, self.rows(torch.slice({positional_embedding}, 0, 1), kept)], 1)  # [N, K+1, D]
        return self.tokens(self.kept_patches(pixels, kept), positions, p)  # [N, K+1, D]

      def tokens(self, patches: Tensor, positions: Tensor, p: List[Tensor]) -> Tensor:
        x = {project_patches}
        token = torch.expand(torch.reshape({class_embedding}, [1, 1, {D}]), [torch.size(x, 0), 1, {D}])
        x = torch.add(torch.cat([token, self.full(x)], 1), positions)
        return {pre}

      def norm(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.layer_norm(x, [{D}], {ln_post.*}, {eps})

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.matmul(self.norm(x, p), {proj}))  # [N, E], of [N, D]

      def project_mean(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.matmul({mean}, {proj}))  # [N, E], of [N, L, D]

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

      def kept_patches(self, pixels: Tensor, kept: Tensor) -> Tensor:
        N = torch.size(kept, 0)
        start = torch.arange(N, dtype=4, layout=None, device=ops.prim.device(kept), pin_memory=False)
        index = torch.add(kept, torch.mul(torch.unsqueeze(start, 1), {gh} * {gw}))
        return self.rows(torch.flatten(self.patches(pixels), 0, 1), index)  # [N, K, 3PP]

      def rows(self, table: Tensor, index: Tensor) -> Tensor:
        x = torch.index_select(table, 0, torch.flatten(index))
        return torch.reshape(x, [torch.size(index, 0), torch.size(index, 1), -1])

      """;

  private static final String MEAN = "torch.mean(torch.slice(x, 1, 1), [1])";

  private static final String PROJECT_PATCHES =
      "self.matmul(patches, torch.t(torch.reshape({conv1.weight}, [{D}, -1])))";

  private static final String PREPARED_PROJECT_PATCHES =
      "self.packed(patches, {conv1.weight}, {conv1.bias}, {D})";

  private final Parameters declared;
  private final TowerKernels kernels;
  private final boolean mean;
  private final int patches;
  private final NDList own;
  private final Transformer transformer;
  private volatile PreparedEmbedding prepared;

  private record PreparedEmbedding(PreparedLinear linear, NDList parameters) {}

  VisionTransformer(NDManager manager, ClipConfig config, Map<String, NDArray> parameters) {
    VisionConfig vision = config.vision();
    mean = vision.pooling() == ImagePooling.AVG;
    patches = vision.patches();
    Kind kind = Kind.of(vision, config.visionActivation());
    declared = parameters(config);
    String source =
        patches(vision)
            + SOURCE
                .replace(
                    "{pre}", vision.lnPre() ? "torch.layer_norm(x, [{D}], {ln_pre.*}, {eps})" : "x")
                .replace(
                    "{mean}",
                    vision.lnAfterPool()
                        ? "self.norm(" + MEAN + ", p)"
                        : MEAN.replace("x", "self.norm(x, p)"))
                .replace("{eps}", Double.toString(vision.normEpsilon()));
    kernels =
        new TowerKernels(
            manager, use -> source(source, vision, use) + ResidualAttentionBlock.source(kind, use));
    own = declared.of(parameters, PREFIX);
    transformer =
        new Transformer(kind, kernels, parameters, PREFIX + BLOCKS, vision.layers().get(0));
  }

  /** Declares the tower. */
  static Parameters parameters(ClipConfig config) {
    VisionConfig vision = config.vision();
    int width = vision.width();
    int patch = vision.patchSize();
    Parameters block =
        ResidualAttentionBlock.parameters(Kind.of(vision, config.visionActivation()));
    Init scale = Parameters.normal(Math.pow(width, -0.5));
    long grid = (long) vision.gridHeight() * vision.gridWidth();
    Init conv = Parameters.uniformOf(3.0 * patch * patch);
    Parameters own =
        new Parameters()
            .add("class_embedding", scale, width)
            .add("positional_embedding", scale, grid + 1, width)
            .add("proj", scale, width, config.embedDim())
            .add("conv1.weight", conv, width, 3, patch, patch);
    if (vision.lnPre()) {
      own.norm("ln_pre", width);
    }
    return own.blocks(BLOCKS, block, vision.layers().get(0))
        .norm("ln_post", width)
        .lay("conv1.", Operation.PRODUCT);
  }

  /**
   * The functions {@code patches}, [N, 3, height, width] to [N, patches, values of a patch], and
   * {@code kept_patches}, to those of the given indices.
   */
  static String patches(VisionConfig vision) {
    return PATCHES
        .replace("{P}", Integer.toString(vision.patchSize()))
        .replace("{gh}", Integer.toString(vision.gridHeight()))
        .replace("{gw}", Integer.toString(vision.gridWidth()));
  }

  private String source(String source, VisionConfig vision, TowerKernels.Use use) {
    boolean packs = use == TowerKernels.Use.PREPARED;
    return declared.resolve(
        source
            .replace("{project_patches}", packs ? PREPARED_PROJECT_PATCHES : PROJECT_PATCHES)
            .replace("{D}", Integer.toString(vision.width())),
        packs);
  }

  @Override
  public void prepare(PreparedLinear linear) {
    transformer.prepare(linear, !mean);
    prepared =
        linear == null
            ? null
            : new PreparedEmbedding(linear, declared.prepare(linear, own, "visual.", Set.of()));
  }

  @Override
  public NDArray forward(
      Forward pass, NDArray pixels, NDArray kept, Consumer<NDArray> hiddenStates) {
    NDArray x =
        kept == null
            ? embed(pass, pixels) // [N, L, D]
            : kernels.call(pass, "embed_kept", pixels, kept, own);
    if (mean) {
      NDArray last = transformer.forward(pass, x, hiddenStates); // [N, L, D]
      return kernels.call(pass, "project_mean", last, own); // [N, E]
    }
    NDArray token = transformer.forwardAt(pass, x, pixels, hiddenStates); // [N, D]
    return kernels.call(pass, "project", token, own); // [N, E]
  }

  private NDArray embed(Forward pass, NDArray pixels) {
    PreparedEmbedding now = prepared;
    boolean serves = now != null && now.linear.serves(pass, pixels.size(0) * patches);
    return serves
        ? kernels.call(now.linear, "embed", pixels, now.parameters)
        : kernels.call(pass, "embed", pixels, own);
  }
}
