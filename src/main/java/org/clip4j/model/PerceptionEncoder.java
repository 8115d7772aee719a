package org.clip4j.model;

import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.AttentionKind.Inputs;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder of PE-Core (Bolya et al. 2025; timm's {@code Eva} with {@code attn_type='rope'}
 * and {@code global_pool='map'}): learned and rotary positions, a LayerNorm before the blocks,
 * pooling by attention over patches and class token, and a linear head.
 */
final class PerceptionEncoder {
  private static final String BLOCKS = "blocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        return self.tokens(self.patches(pixels), {pos_embed}, p)  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        index = torch.constant_pad_nd(torch.add(kept, {T}), [{T}, 0], 0)
        positions = self.rows(torch.select({pos_embed}, 0, 0), index)  # [N, K+T, D]
        return self.tokens(self.kept_patches(pixels, kept), positions, p)  # [N, K+T, D]

      def tokens(self, patches: Tensor, positions: Tensor, p: List[Tensor]) -> Tensor:
        x = self.full({project_patches})
        x = torch.add({tokens}, positions)
        return torch.layer_norm(x, [{D}], {norm_pre.*}, {eps})

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.linear(self.pool(x, p), {head.*}))  # [N, E]

      def explained_project(self, x: Tensor, p: List[Tensor]) -> List[Tensor]:
        w = self.pooling_attention(x, p)
        return [self.full(self.linear(self.pool_by(w, x, p), {head.*})), w]
      """;

  private static final String WITH_CLASS_TOKEN =
      "torch.cat([torch.expand({cls_token}, [torch.size(x, 0), 1, {D}]), x], 1)";

  private PerceptionEncoder() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, PeConfig vision) {
    AttentionKind kind =
        AttentionKind.of(vision, Activation.GELU, AttentionKind.TIMM, BlockStarts.timm())
            .in(BlockForm.PRE_NORM, Inputs.JOINED, true);
    Parameters parameters = parameters(vision, kind, config.embedDim());
    int tokens = vision.classToken() ? 1 : 0;
    RotaryPositions rotary =
        new RotaryPositions(
            vision.gridHeight(),
            vision.gridWidth(),
            vision.rotaryGrid(),
            tokens,
            true,
            vision.width() / vision.heads(),
            tokens);
    String source =
        SOURCE
                .replace("{tokens}", vision.classToken() ? WITH_CLASS_TOKEN : "x")
                .replace("{T}", Integer.toString(tokens))
            + AttentionPool.source(
                vision.width(),
                PeConfig.POOLING_HEADS,
                vision.normEpsilon(),
                Activation.GELU,
                false);
    return new PatchTower.Declaration(
        vision,
        "visual.trunk.",
        BLOCKS,
        parameters,
        kind,
        new Positions("pos_embed", tokens),
        rotary,
        PatchTower.Pooling.ATTENTION,
        PatchTower.source(vision, parameters, "patch_embed.proj.", source),
        Convolutions.NONE);
  }

  private static Parameters parameters(PeConfig vision, AttentionKind kind, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    int tokens = vision.classToken() ? 1 : 0;
    Init weight = Init.normal(0.02);
    Init conv = Init.uniformOf(3.0 * patch * patch);
    Parameters parameters = new Parameters();
    if (vision.classToken()) {
      parameters.add("cls_token", weight, 1, 1, width);
    }
    parameters
        .add("pos_embed", weight, 1, vision.patches() + tokens, width)
        .add("patch_embed.proj.weight", conv, width, 3, patch, patch)
        .norm("norm_pre", width)
        .blocks(BLOCKS, i -> kind.from(BlockStarts.eva(i)).parameters(), vision.layers());
    AttentionPool.declare(parameters, width, width * PeConfig.POOLING_MLP_RATIO);
    return parameters
        .linear("head", Init.normal(0.02 * 0.001), Init.constant(0), embedDim, width)
        .lay("patch_embed.proj.", Operation.PRODUCT);
  }
}
