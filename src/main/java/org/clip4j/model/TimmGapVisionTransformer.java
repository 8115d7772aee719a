package org.clip4j.model;

import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.AttentionKind.Inputs;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder as timm's plain {@code VisionTransformer} without class token and with {@code
 * global_pool='avg'}: the mean of the patches after the last LayerNorm, and OpenCLIP's projection.
 */
final class TimmGapVisionTransformer {
  private static final String BLOCKS = "trunk.blocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        patches = self.patches(pixels)
        return torch.add(self.full({project_patches}), {trunk.pos_embed})  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        patches = self.kept_patches(pixels, kept)
        positions = self.rows(torch.select({trunk.pos_embed}, 0, 0), kept)
        return torch.add(self.full({project_patches}), positions)  # [N, K, D]

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.mean(torch.layer_norm(x, [{D}], {trunk.norm.*}, {eps}), [1])
        return self.full(self.matmul(x, torch.t({head.proj.weight})))  # [N, E]
      """;

  private TimmGapVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, TimmGapVitConfig vision) {
    Activation activation = Activation.of(vision.tanhGelu(), false);
    AttentionKind kind =
        AttentionKind.of(vision, activation, AttentionKind.TIMM, BlockStarts.timm())
            .in(BlockForm.PRE_NORM, Inputs.NO_BIAS, false);
    Parameters parameters = parameters(vision, kind, config.embedDim());
    return new PatchTower.Declaration(
        vision,
        "visual.",
        BLOCKS,
        parameters,
        kind,
        new Positions("trunk.pos_embed", 0),
        null,
        PatchTower.Pooling.MEAN,
        PatchTower.source(vision, parameters, "trunk.patch_embed.proj.", SOURCE),
        Convolutions.NONE);
  }

  private static Parameters parameters(TimmGapVitConfig vision, AttentionKind kind, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init conv = Init.uniformOf(3.0 * patch * patch);
    return new Parameters()
        .add("trunk.pos_embed", Init.normal(0.02), 1, vision.patches(), width)
        .linear("trunk.patch_embed.proj", conv, conv, width, 3, patch, patch)
        .blocks(BLOCKS, kind.parameters(), vision.layers())
        .norm("trunk.norm", width)
        .add("head.proj.weight", Init.uniformOf(width), embedDim, width)
        .lay("trunk.patch_embed.proj.", Operation.PRODUCT);
  }
}
