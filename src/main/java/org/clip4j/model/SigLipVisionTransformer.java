package org.clip4j.model;

import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Distribution;
import org.clip4j.model.ParameterSpec.Init;
import org.clip4j.model.ResidualAttentionBlock.Kind;
import org.clip4j.model.ResidualAttentionBlock.Starts;

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
        kv = self.pooled_keys(x, p)
        q = self.pooling_query(x, p)
        return self.head(torch.scaled_dot_product_attention(q, torch.select(kv, 0, 0), torch.select(kv, 0, 1), None, 0., False), p)

      def explained_project(self, x: Tensor, p: List[Tensor]) -> List[Tensor]:
        kv = self.pooled_keys(x, p)
        w = self.attention(self.pooling_query(x, p), torch.select(kv, 0, 0))
        return [self.head(torch.matmul(w, torch.select(kv, 0, 1)), p), w]

      def pooling_query(self, x: Tensor, p: List[Tensor]) -> Tensor:
        q = torch.reshape(self.linear({attn_pool.latent}, {attn_pool.q.*}), [1, 1, {H}, {d}])
        return torch.expand(torch.transpose(q, 1, 2), [torch.size(x, 0), -1, -1, -1])  # [N, H, 1, D/H]

      def pooled_keys(self, x: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        x = torch.layer_norm(x, [{D}], {norm.*}, {eps})
        kv = torch.reshape(self.linear(x, {attn_pool.kv.*}), [N, L, 2, {H}, {d}])
        return torch.permute(kv, [2, 0, 3, 1, 4])  # [2, N, H, L, D/H]

      def head(self, a: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(a, 0)
        x = self.full(self.linear(torch.reshape(torch.transpose(a, 1, 2), [N, {D}]), {attn_pool.proj.*}))
        y = self.linear(torch.layer_norm(x, [{D}], {attn_pool.norm.*}, {eps}), {attn_pool.mlp.fc1.*})
        return self.full(torch.add(x, self.linear({gelu}, {attn_pool.mlp.fc2.*})))  # [N, D]

      """;

  private SigLipVisionTransformer() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(SigLipConfig vision) {
    Activation activation = Activation.of(vision.tanhGelu(), false);
    Kind kind = Kind.of(vision, activation, ResidualAttentionBlock.TIMM, Starts.timm());
    Parameters parameters = parameters(vision, kind);
    String source =
        SOURCE
            .replace("{D}", Integer.toString(vision.width()))
            .replace("{H}", Integer.toString(vision.heads()))
            .replace("{d}", Integer.toString(vision.width() / vision.heads()))
            .replace("{eps}", Double.toString(vision.normEpsilon()))
            .replace("{gelu}", activation.source);
    return new PatchTower.Declaration(
        vision,
        "visual.trunk.",
        BLOCKS,
        parameters,
        kind,
        new Positions("pos_embed", 0),
        PatchTower.Pooling.ATTENTION,
        use -> parameters.resolve(source, false));
  }

  private static Parameters parameters(SigLipConfig vision, Kind block) {
    int width = vision.width();
    int patch = vision.patchSize();
    Init weight = Parameters.normal(0.02);
    Init zero = Parameters.constant(0);
    Init conv = Parameters.uniformOf(3.0 * patch * patch);
    Init latent = new Init(Distribution.TRUNCATED_NORMAL, Math.pow(width, -0.5));
    return new Parameters()
        .add("pos_embed", weight, 1, vision.patches(), width)
        .add("patch_embed.proj.weight", conv, width, 3, patch, patch)
        .add("patch_embed.proj.bias", conv, width)
        .blocks(BLOCKS, block.parameters(), vision.layers())
        .norm("norm", width)
        .add("attn_pool.latent", latent, 1, 1, width)
        .linear("attn_pool.q", weight, zero, width, width)
        .linear("attn_pool.kv", weight, zero, 2L * width, width)
        .linear("attn_pool.proj", weight, zero, width, width)
        .norm("attn_pool.norm", width)
        .linear("attn_pool.mlp.fc1", weight, zero, vision.mlpWidth(), width)
        .linear("attn_pool.mlp.fc2", weight, zero, width, vision.mlpWidth());
  }
}
