package org.clip4j.model;

import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.AttentionKind.Inputs;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder as timm's {@code VisionTransformerRelPos} with a class token: its blocks know
 * where patches are by their distances alone, and OpenCLIP's projection takes the token's last
 * LayerNorm.
 */
final class TimmRelativeVisionTransformer {
  private static final String BLOCKS = "trunk.blocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        patches = self.patches(pixels)
        x = self.full({project_patches})
        token = torch.expand({trunk.cls_token}, [torch.size(x, 0), 1, {D}])
        return torch.cat([token, x], 1)  # [N, L, D]

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.layer_norm(x, [{D}], {trunk.norm.*}, {eps})
        return self.full(self.matmul(x, torch.t({head.proj.weight})))  # [N, E]
      """;

  private TimmRelativeVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, TimmRelativeVitConfig vision) {
    BlockStarts starts = BlockStarts.reset(vision.width(), vision.mlpWidth());
    AttentionKind kind =
        AttentionKind.of(vision, Activation.GELU, AttentionKind.TIMM, starts)
            .in(BlockForm.PRE_NORM, Inputs.NO_BIAS, false)
            .biasedBy(
                new RelativePositions(
                    vision.gridHeight(), vision.gridWidth(), vision.relativeWidth()));
    Parameters parameters = parameters(vision, kind, config.embedDim());
    return new PatchTower.Declaration(
        vision,
        "visual.",
        BLOCKS,
        parameters,
        kind,
        null,
        null,
        PatchTower.Pooling.FIRST,
        PatchTower.source(vision, parameters, "trunk.patch_embed.proj.", SOURCE),
        Convolutions.NONE);
  }

  private static Parameters parameters(
      TimmRelativeVitConfig vision, AttentionKind kind, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init conv = Init.uniformOf(3.0 * patch * patch);
    return new Parameters()
        .add("trunk.cls_token", Init.normal(1e-6), 1, 1, width)
        .linear("trunk.patch_embed.proj", conv, conv, width, 3, patch, patch)
        .blocks(BLOCKS, kind.parameters(), vision.layers())
        .norm("trunk.norm", width)
        .add("head.proj.weight", Init.uniformOf(width), embedDim, width)
        .lay("trunk.patch_embed.proj.", Operation.PRODUCT);
  }
}
