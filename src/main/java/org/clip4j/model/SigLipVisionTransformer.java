package org.clip4j.model;

import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * SigLIP's image encoder (Zhai et al. 2023; timm's {@code VisionTransformer} with {@code
 * global_pool='map'}, transformers' {@code SiglipVisionModel}): a Vision Transformer without class
 * token, whose output is pooled by attention with one learned query, and an MLP after it.
 */
final class SigLipVisionTransformer {
  private static final String BLOCKS = "blocks.";

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        patches = self.patches(pixels)
        return torch.add({project_patches}, {pos_embed})  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        patches = self.kept_patches(pixels, kept)
        return torch.add({project_patches}, self.rows(torch.select({pos_embed}, 0, 0), kept))  # [N, K, D]

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.pool(x, p)

      def explained_project(self, x: Tensor, p: List[Tensor]) -> List[Tensor]:
        w = self.pooling_attention(x, p)
        return [self.pool_by(w, x, p), w]
      """;

  /**
   * NaFlex (Tschannen et al. 2025; transformers' {@code Siglip2VisionModel}). The input is [N, M +
   * 1, P P 3]: patches, their values row by row with the channels last, and in the last row the
   * numbers of rows and columns that they come from. Positions are resized for each image. What
   * follows its patches is not seen.
   */
  private static final String NAFLEX =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        x = self.linear(torch.slice(pixels, 1, 0, -1), {patch_embed.proj.*})
        return torch.add(x, self.positions(pixels, p))  # [N, M, D]

      def positions(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        M = torch.size(pixels, 1) - 1
        table = torch.reshape({pos_embed}, [{G}, {G}, {D}])
        table = torch.unsqueeze(torch.permute(table, [2, 0, 1]), 0)  # [1, D, G, G]
        all = annotate(List[Tensor], [])
        for n in range(torch.size(pixels, 0)):
          grid = torch.select(torch.select(pixels, 0, n), 0, M)
          rows = int(torch.select(grid, 0, 0))
          columns = int(torch.select(grid, 0, 1))
          x = torch.flatten(torch._upsample_bilinear2d_aa(table, [rows, columns], False), 2)  # [1, D, rows columns]
          all = torch.append(all, torch.transpose(torch.constant_pad_nd(x, [0, M - rows * columns], 0), 1, 2))
        return torch.cat(all, 0)  # [N, M, D]

      def seen(self, pixels: Tensor) -> Tensor:
        M = torch.size(pixels, 1) - 1
        grid = torch.select(pixels, 1, M)
        patches = torch.mul(torch.select(grid, 1, 0), torch.select(grid, 1, 1))  # [N]
        place = torch.arange(M, dtype=6, layout=None, device=ops.prim.device(pixels), pin_memory=False)
        return torch.lt(place, torch.reshape(patches, [-1, 1, 1, 1]))  # [N, 1, 1, M]

      def project(self, x: Tensor, seen: Tensor, p: List[Tensor]) -> Tensor:
        return self.pool(x, seen, p)

      def explained_project(self, x: Tensor, seen: Tensor, p: List[Tensor]) -> List[Tensor]:
        w = self.pooling_attention(x, seen, p)
        return [self.pool_by(w, x, p), w]
      """;

  private SigLipVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(SigLipConfig vision) {
    Activation activation = Activation.of(vision.tanhGelu(), false);
    AttentionKind kind =
        AttentionKind.of(vision, activation, AttentionKind.TIMM, BlockStarts.timm());
    kind = vision.naFlex() ? kind.whereMasked() : kind;
    Parameters parameters = parameters(vision, kind);
    String source =
        (vision.naFlex() ? NAFLEX : SOURCE).replace("{G}", Integer.toString(vision.gridWidth()))
            + AttentionPool.source(
                vision.width(), vision.heads(), vision.normEpsilon(), activation, vision.naFlex());
    return new PatchTower.Declaration(
        vision,
        "visual.trunk.",
        BLOCKS,
        parameters,
        kind,
        new Positions("pos_embed", 0),
        null,
        PatchTower.Pooling.ATTENTION,
        PatchTower.source(vision, parameters, "patch_embed.proj.", source),
        Convolutions.NONE);
  }

  private static Parameters parameters(SigLipConfig vision, AttentionKind block) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init weight = Init.normal(0.02);
    Init conv = Init.uniformOf(3.0 * patch * patch);
    long[] shape =
        vision.naFlex()
            ? new long[] {width, 3L * patch * patch}
            : new long[] {width, 3, patch, patch};
    Parameters parameters =
        new Parameters()
            .add("pos_embed", weight, 1, vision.patches(), width)
            .add("patch_embed.proj.weight", conv, shape)
            .add("patch_embed.proj.bias", conv, width)
            .blocks(BLOCKS, block.parameters(), vision.layers());
    AttentionPool.declare(parameters, width, vision.mlpWidth());
    return parameters;
  }
}
