package org.clip4j.model;

import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.AttentionKind.Inputs;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoders of EVA-CLIP (Sun et al. 2023; timm's {@code Eva} with {@code
 * global_pool='token'}): a class token, learned positions, to which EVA-02 adds rotary ones, and a
 * linear head on the token's last LayerNorm.
 */
final class EvaVisionTransformer {
  private static final String BLOCKS = "blocks.";

  /** The rows and columns of patches of an image that EVA-02 was first trained on. */
  private static final int REFERENCE_GRID = 16;

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        return self.tokens(self.patches(pixels), {pos_embed}, p)  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        first = torch.expand(torch.slice({pos_embed}, 1, 0, 1), [torch.size(kept, 0), 1, {D}])
        grid = torch.select(torch.slice({pos_embed}, 1, 1), 0, 0)
        positions = torch.cat([first, self.rows(grid, kept)], 1)  # [N, K+1, D]
        return self.tokens(self.kept_patches(pixels, kept), positions, p)  # [N, K+1, D]

      def tokens(self, patches: Tensor, positions: Tensor, p: List[Tensor]) -> Tensor:
        x = {project_patches}
        token = torch.expand({cls_token}, [torch.size(x, 0), 1, {D}])
        return torch.add(torch.cat([token, self.full(x)], 1), positions)

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.full(self.linear(torch.layer_norm(x, [{D}], {norm.*}, {eps}), {head.*}))  # [N, E]
      """;

  private EvaVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, EvaConfig vision) {
    boolean eva02 = vision.generation() == EvaConfig.Generation.EVA02;
    AttentionKind timm =
        AttentionKind.of(
            vision,
            eva02 ? Activation.SILU : Activation.GELU,
            AttentionKind.TIMM,
            BlockStarts.timm());
    AttentionKind kind =
        switch (vision.generation()) {
          case EVA01 -> timm.in(BlockForm.PRE_NORM, Inputs.NO_KEY_BIAS, false);
          case EVA02 -> timm.in(BlockForm.SUB_NORM, Inputs.SEPARATE, true);
          case EVA02_E -> timm.in(BlockForm.RES_POST_NORM, Inputs.NO_KEY_BIAS, false);
        };
    Parameters parameters = parameters(vision, kind, config.embedDim());
    RotaryPositions rotary =
        eva02
            ? new RotaryPositions(
                vision.gridHeight(),
                vision.gridWidth(),
                REFERENCE_GRID,
                0,
                false,
                vision.width() / vision.heads(),
                1)
            : null;
    return new PatchTower.Declaration(
        vision,
        "visual.trunk.",
        BLOCKS,
        parameters,
        kind,
        new Positions("pos_embed", 1),
        rotary,
        PatchTower.Pooling.FIRST,
        PatchTower.source(vision, parameters, "patch_embed.proj.", SOURCE),
        Convolutions.NONE);
  }

  private static Parameters parameters(EvaConfig vision, AttentionKind kind, int embedDim) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init weight = Init.normal(0.02);
    Init zero = Init.constant(0);
    Init conv = Init.uniformOf(3.0 * patch * patch);
    return new Parameters()
        .add("cls_token", weight, 1, 1, width)
        .add("pos_embed", weight, 1, vision.patches() + 1L, width)
        .linear("patch_embed.proj", conv, conv, width, 3, patch, patch)
        .blocks(BLOCKS, i -> kind.from(BlockStarts.eva(i)).parameters(), vision.layers())
        .norm("norm", width)
        .linear("head", Init.normal(0.02 * 0.001), zero, embedDim, width)
        .lay("patch_embed.proj.", Operation.PRODUCT);
  }
}
