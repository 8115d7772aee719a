package org.clip4j.model;

import org.clip4j.model.ParameterSpec.Distribution;
import org.clip4j.model.ParameterSpec.Init;

/**
 * Pools the rows of a tower's output by the attention of one learned query, with an MLP after it
 * (timm's {@code AttentionPoolLatent}); the output is normalised before, by {@code norm}.
 */
final class AttentionPool {
  private static final String SOURCE =
      """

      def pool(self, x: Tensor, {seen:}p: List[Tensor]) -> Tensor:
        kv = self.pooled_keys(x, p)
        q = self.pooling_query(x, p)
        return self.pooled(torch.scaled_dot_product_attention(q, torch.select(kv, 0, 0), torch.select(kv, 0, 1), {mask}, 0., False), p)

      def pooling_attention(self, x: Tensor, {seen:}p: List[Tensor]) -> Tensor:
        s = torch.matmul(self.pooling_query(x, p), torch.transpose(torch.select(self.pooled_keys(x, p), 0, 0), -2, -1))
        s = torch.mul(s, {root})
        return torch.softmax({seen}, -1)  # [N, H, 1, L]

      def pool_by(self, w: Tensor, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.pooled(torch.matmul(w, torch.select(self.pooled_keys(x, p), 0, 1)), p)

      def pooling_query(self, x: Tensor, p: List[Tensor]) -> Tensor:
        q = torch.reshape(self.linear({attn_pool.latent}, {attn_pool.q.*}), [1, 1, {H}, {d}])
        return torch.expand(torch.transpose(q, 1, 2), [torch.size(x, 0), -1, -1, -1])  # [N, H, 1, D/H]

      def pooled_keys(self, x: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        x = torch.layer_norm(x, [{D}], {norm.*}, {eps})
        kv = torch.reshape(self.linear(x, {attn_pool.kv.*}), [N, L, 2, {H}, {d}])
        return torch.permute(kv, [2, 0, 3, 1, 4])  # [2, N, H, L, D/H]

      def pooled(self, a: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(a, 0)
        x = self.full(self.linear(torch.reshape(torch.transpose(a, 1, 2), [N, {D}]), {attn_pool.proj.*}))
        y = self.linear(torch.layer_norm(x, [{D}], {attn_pool.norm.*}, {eps}), {attn_pool.mlp.fc1.*})
        return self.full(torch.add(x, self.linear({gelu}, {attn_pool.mlp.fc2.*})))  # [N, D]
      """;

  private AttentionPool() {}

  /** Declares the parameters, and {@code norm} before them. */
  static void declare(Parameters parameters, int width, int mlpWidth) {
    Init weight = Init.normal(0.02);
    Init zero = Init.constant(0);
    Init latent = new Init(Distribution.TRUNCATED_NORMAL, Math.pow(width, -0.5));
    parameters
        .norm("norm", width)
        .add("attn_pool.latent", latent, 1, 1, width)
        .linear("attn_pool.q", weight, zero, width, width)
        .linear("attn_pool.kv", weight, zero, 2L * width, width)
        .linear("attn_pool.proj", weight, zero, width, width)
        .norm("attn_pool.norm", width)
        .linear("attn_pool.mlp.fc1", weight, zero, mlpWidth, width)
        .linear("attn_pool.mlp.fc2", weight, zero, width, mlpWidth);
  }

  /**
   * Defines {@code pool}, [N, L, D] to [N, D]; {@code pooling_attention}, [N, L, D] to [N, H, 1,
   * L]; and {@code pool_by} such attention.
   *
   * @param masked whether the first two take besides which rows are seen, [N, 1, 1, L]
   */
  static String source(
      int width, int heads, double epsilon, Activation activation, boolean masked) {
    return SOURCE
        .replace("{seen:}", masked ? "seen: Tensor, " : "")
        .replace("{mask}", masked ? "seen" : "None")
        .replace("{seen}", masked ? ResidualAttentionBlock.MASKED : "s")
        .replace("{D}", Integer.toString(width))
        .replace("{H}", Integer.toString(heads))
        .replace("{d}", Integer.toString(width / heads))
        .replace("{root}", Double.toString(1 / Math.sqrt(width / heads)))
        .replace("{eps}", Double.toString(epsilon))
        .replace("{gelu}", activation.source);
  }
}
