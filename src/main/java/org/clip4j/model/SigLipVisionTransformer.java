package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.clip4j.engine.TorchScript;

/**
 * SigLIP's image encoder (Zhai et al. 2023; timm's {@code VisionTransformer} with {@code
 * global_pool='map'}, transformers' {@code SiglipVisionModel}): a Vision Transformer without class
 * token, whose output is pooled by attention with one learned query, and an MLP after it.
 */
final class SigLipVisionTransformer implements ImageTower {
  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        x = self.linear(self.patches(pixels), torch.reshape(p[0], [{D}, -1]), p[1])
        return torch.add(x, p[2])  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        x = self.linear(self.kept_patches(pixels, kept), torch.reshape(p[0], [{D}, -1]), p[1])
        return torch.add(x, self.rows(torch.select(p[2], 0, 0), kept))  # [N, K, D]

      def pool(self, x: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        x = torch.layer_norm(x, [{D}], p[0], p[1], {eps})
        q = torch.reshape(self.linear(p[2], p[3], p[4]), [1, 1, {H}, {d}])
        q = torch.expand(torch.transpose(q, 1, 2), [N, -1, -1, -1])  # [N, H, 1, D/H]
        kv = torch.reshape(self.linear(x, p[5], p[6]), [N, L, 2, {H}, {d}])
        kv = torch.permute(kv, [2, 0, 3, 1, 4])  # [2, N, H, L, D/H]
        a = torch.scaled_dot_product_attention(q, torch.select(kv, 0, 0), torch.select(kv, 0, 1), None, 0., False)
        x = self.full(self.linear(torch.reshape(torch.transpose(a, 1, 2), [N, {D}]), p[7], p[8]))
        y = self.linear(torch.layer_norm(x, [{D}], p[9], p[10], {eps}), p[11], p[12])
        return self.full(torch.add(x, self.linear({gelu}, p[13], p[14])))  # [N, D]

      """;

  private final TowerKernels kernels;
  private final NDList embed;
  private final Transformer transformer;
  private final NDList pool;

  SigLipVisionTransformer(NDManager manager, ClipConfig config, Map<String, NDArray> parameters) {
    VisionConfig vision = config.vision();
    Activation activation = config.visionActivation();
    ResidualAttentionBlock.Kind kind = ResidualAttentionBlock.Kind.of(vision, activation);
    String own =
        VisionTransformer.patches(vision)
            + SOURCE
                .replace("{D}", Integer.toString(vision.width()))
                .replace("{H}", Integer.toString(vision.heads()))
                .replace("{d}", Integer.toString(vision.headWidth()))
                .replace("{eps}", Double.toString(vision.normEpsilon()))
                .replace("{gelu}", activation.source);
    kernels = new TowerKernels(manager, use -> own + ResidualAttentionBlock.source(kind, use));
    embed = list(parameters, "patch_embed.proj.weight", "patch_embed.proj.bias", "pos_embed");
    transformer =
        new Transformer(kind, kernels, parameters, "visual.trunk.blocks.", vision.layers().get(0));
    pool =
        list(
            parameters,
            "norm.weight",
            "norm.bias",
            "attn_pool.latent",
            "attn_pool.q.weight",
            "attn_pool.q.bias",
            "attn_pool.kv.weight",
            "attn_pool.kv.bias",
            "attn_pool.proj.weight",
            "attn_pool.proj.bias",
            "attn_pool.norm.weight",
            "attn_pool.norm.bias",
            "attn_pool.mlp.fc1.weight",
            "attn_pool.mlp.fc1.bias",
            "attn_pool.mlp.fc2.weight",
            "attn_pool.mlp.fc2.bias");
  }

  private static NDList list(Map<String, NDArray> parameters, String... names) {
    return TorchScript.list(
        List.of(names).stream().map(name -> parameters.get("visual.trunk." + name)).toList());
  }

  @Override
  public void prepare(PreparedLinear linear) {
    transformer.prepare(linear, false);
  }

  @Override
  public NDArray forward(
      Forward pass, NDArray pixels, NDArray kept, Consumer<NDArray> hiddenStates) {
    NDArray x =
        kept == null
            ? kernels.call(pass, "embed", pixels, embed) // [N, L, D]
            : kernels.call(pass, "embed_kept", pixels, kept, embed);
    NDArray last = transformer.forward(pass, x, hiddenStates); // [N, L, D]
    return kernels.call(pass, "pool", last, pool); // [N, E], where E is D
  }
}
