package org.clip4j.model;

import org.clip4j.model.ParameterSpec.Init;

/**
 * Pools the tokens of CoCa's image tower (Yu et al. 2022; OpenCLIP's {@code AttentionalPooler} of
 * width E, and the last LayerNorm, which comes after it). Each query's output depends on no other
 * query, so that only those are computed that the embedding is made of.
 */
final class AttentionalPooler {
  private static final String SOURCE =
      """
      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        kv = self.pool_inputs(x, p)
        a = torch.scaled_dot_product_attention(self.pool_queries(x, p), kv[0], kv[1], None, 0., False)
        return self.pooled(a, p)

      def explained_project(self, x: Tensor, p: List[Tensor]) -> List[Tensor]:
        kv = self.pool_inputs(x, p)
        s = torch.matmul(self.pool_queries(x, p), torch.transpose(kv[0], -2, -1))
        w = torch.softmax(torch.mul(s, {root}), -1)  # [N, H, Q, L]
        return [self.pooled(torch.matmul(w, kv[1]), p), w]

      def pool_inputs(self, x: Tensor, p: List[Tensor]) -> List[Tensor]:
        x = torch.layer_norm(x, [{D}], {attn_pool.ln_k.*}, {own_eps})
        b = {attn_pool.attn.in_proj_bias}
        k = self.pool_heads(self.linear(x, {key}, torch.slice(b, 0, {E}, {2E})))
        return [k, self.pool_heads(self.linear(x, {value}, torch.slice(b, 0, {2E}, {3E})))]

      def pool_queries(self, x: Tensor, p: List[Tensor]) -> Tensor:
        q = torch.layer_norm(torch.slice({attn_pool.query}, 0, {first}, {last}), [{E}], {attn_pool.ln_q.*}, {own_eps})
        q = self.linear(q, {query}, torch.slice({attn_pool.attn.in_proj_bias}, 0, 0, {E}))
        return torch.expand(self.pool_heads(torch.unsqueeze(q, 0)), [torch.size(x, 0), -1, -1, -1])  # [N, H, Q, E/H]

      def pool_heads(self, x: Tensor) -> Tensor:
        return torch.transpose(torch.reshape(x, [torch.size(x, 0), torch.size(x, 1), {H}, {d}]), 1, 2)

      def pooled(self, a: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.reshape(torch.transpose(a, 1, 2), [torch.size(a, 0), torch.size(a, 2), {E}])
        x = self.full(self.linear(x, {attn_pool.attn.out_proj.*}))  # [N, Q, E]
        x = torch.mean(torch.layer_norm(x, [{E}], {ln_post.*}, {eps}), [1])
        return self.full(self.matmul(x, {proj}))  # [N, E]

      """;

  private AttentionalPooler() {}

  /**
   * Declares the parameters of the pooling; PyTorch joins the three maps where widths are equal.
   */
  static void declare(Parameters parameters, AttentionalPoolerConfig pooler, int width, int embed) {
    String attention = "attn_pool.attn.";
    Init zero = Init.constant(0);
    parameters.add("attn_pool.query", Init.normal(1), pooler.queries(), embed);
    if (width == embed) {
      parameters.add(attention + "in_proj_weight", xavier(3L * embed, embed), 3L * embed, embed);
    } else {
      parameters
          .add(attention + "q_proj_weight", xavier(embed, embed), embed, embed)
          .add(attention + "k_proj_weight", xavier(embed, width), embed, width)
          .add(attention + "v_proj_weight", xavier(embed, width), embed, width);
    }
    parameters
        .add(attention + "in_proj_bias", zero, 3L * embed)
        .linear(attention + "out_proj", Init.uniformOf(embed), zero, embed, embed)
        .norm("attn_pool.ln_q", embed)
        .norm("attn_pool.ln_k", width);
  }

  private static Init xavier(long outputs, long inputs) {
    return Init.uniform(Math.sqrt(6.0 / (outputs + inputs)));
  }

  /** Defines {@code project} and {@code explained_project}. */
  static String source(VitConfig vision, int embed) {
    AttentionalPoolerConfig pooler = vision.pooler();
    boolean token = vision.pooling() == ImagePooling.TOK;
    boolean joined = vision.width() == embed;
    return SOURCE
        .replace("{query}", joined ? rows("0", "{E}") : "{attn_pool.attn.q_proj_weight}")
        .replace("{key}", joined ? rows("{E}", "{2E}") : "{attn_pool.attn.k_proj_weight}")
        .replace("{value}", joined ? rows("{2E}", "{3E}") : "{attn_pool.attn.v_proj_weight}")
        .replace("{own_eps}", Double.toString(TextConfig.NORM_EPSILON)) // whatever the tower's is
        .replace("{first}", token ? "0" : "1")
        .replace("{last}", token ? "1" : Integer.toString(pooler.queries()))
        .replace("{E}", Integer.toString(embed))
        .replace("{2E}", Integer.toString(2 * embed))
        .replace("{3E}", Integer.toString(3 * embed))
        .replace("{H}", Integer.toString(pooler.heads()))
        .replace("{d}", Integer.toString(embed / pooler.heads()))
        .replace("{root}", Double.toString(1 / Math.sqrt(embed / pooler.heads())));
  }

  /** The rows of queries, keys or values in the joined map. */
  private static String rows(String from, String to) {
    return "torch.slice({attn_pool.attn.in_proj_weight}, 0, " + from + ", " + to + ")";
  }
}
