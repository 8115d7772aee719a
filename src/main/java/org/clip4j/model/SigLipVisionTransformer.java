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
        x = self.linear(self.patches(pixels), torch.reshape({patch_embed.proj.weight}, [{D}, -1]), {patch_embed.proj.bias})
        return torch.add(x, {pos_embed})  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        x = self.linear(self.kept_patches(pixels, kept), torch.reshape({patch_embed.proj.weight}, [{D}, -1]), {patch_embed.proj.bias})
        return torch.add(x, self.rows(torch.select({pos_embed}, 0, 0), kept))  # [N, K, D]

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.pool(x, p)

      def explained_project(self, x: Tensor, p: List[Tensor]) -> List[Tensor]:
        w = self.pooling_attention(x, p)
        return [self.pool_by(w, x, p), w]
      """;

  private SigLipVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(SigLipConfig vision) {
    Activation activation = Activation.of(vision.tanhGelu(), false);
    AttentionKind kind =
        AttentionKind.of(vision, activation, AttentionKind.TIMM, BlockStarts.timm());
    Parameters parameters = parameters(vision, kind);
    String source =
        SOURCE.replace("{D}", Integer.toString(vision.width()))
            + AttentionPool.source(
                vision.width(), vision.heads(), vision.normEpsilon(), activation);
    return new PatchTower.Declaration(
        vision,
        "visual.trunk.",
        BLOCKS,
        parameters,
        kind,
        new Positions("pos_embed", 0),
        null,
        PatchTower.Pooling.ATTENTION,
        use -> parameters.resolve(source, false));
  }

  private static Parameters parameters(SigLipConfig vision, AttentionKind block) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init weight = Parameters.normal(0.02);
    Init conv = Parameters.uniformOf(3.0 * patch * patch);
    Parameters parameters =
        new Parameters()
            .add("pos_embed", weight, 1, vision.patches(), width)
            .add("patch_embed.proj.weight", conv, width, 3, patch, patch)
            .add("patch_embed.proj.bias", conv, width)
            .blocks(BLOCKS, block.parameters(), vision.layers());
    AttentionPool.declare(parameters, width, vision.mlpWidth());
    return parameters;
  }
}
