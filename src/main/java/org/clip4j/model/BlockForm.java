package org.clip4j.model;

/**
 * How attention, MLP and LayerNorms of a residual attention block follow one another, as functions
 * {@code residual} of the block's input x and of what attention gives, a.
 */
enum BlockForm {
  /** The paper's: x + attention(LayerNorm(x)), then x + MLP(LayerNorm(x)). */
  PRE_NORM(
      "torch.layer_norm(x, [{D}], {ln_1.*}, {eps})",
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        x = torch.add(x, {scale_1}{plus}self.linear(a, {attn.out_proj.*}){a, 3, 4}{/scale})
        z = torch.layer_norm(x, [{D}], {ln_2.*}, {eps})
        y = {plus}self.linear(z, {mlp.c_fc.*}){z, 4, 5}
        y = {gelu}
        y = {plus}self.linear(y, {mlp.c_proj.*}){y, 5, 6}
        return torch.add(x, {scale_2}y{/scale})
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, {attn.out_proj.*})
        y = self.packed_act(torch.layer_norm(x, [{D}], {ln_2.*}, {eps}), {mlp.c_fc.*})
        return self.packed_add(x, y, {mlp.c_proj.*})
      """),

  /**
   * EVA-02's (Fang et al. 2023): as the paper's, with a LayerNorm before each map that ends a
   * branch, and an MLP that multiplies two maps, one of them activated (SwiGLU).
   */
  SUB_NORM(
      PRE_NORM.input,
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        a = torch.layer_norm(self.full(a), [{D}], {attn.norm.*}, {eps})
        x = torch.add(x, {plus}self.linear(a, {attn.out_proj.*}){a, 3, 4})
        z = torch.layer_norm(x, [{D}], {ln_2.*}, {eps})
        y = {plus}self.linear(z, {mlp.fc1_g.*}){z, 4, 5}
        y = torch.mul({gelu}, {plus}self.linear(z, {mlp.fc1_x.*}){z, 5, 6})
        y = torch.layer_norm(self.full(y), [{M}], {mlp.norm.*}, {eps})
        return torch.add(x, {plus}self.linear(y, {mlp.c_proj.*}){y, 6, 7})
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        a = torch.layer_norm(self.full(a), [{D}], {attn.norm.*}, {eps})
        x = self.packed_add(x, a, {attn.out_proj.*})
        z = torch.layer_norm(x, [{D}], {ln_2.*}, {eps})
        y = torch.narrow(self.packed_act(z, {mlp.fc1_g.*}), -1, 0, {M})
        y = torch.mul(y, self.packed(z, {mlp.fc1_x.*}, {M}))
        y = torch.layer_norm(self.full(y), [{M}], {mlp.norm.*}, {eps})
        return self.packed_add(x, y, {mlp.c_proj.*})
      """),

  /**
   * timm's {@code GeGluMlp} in a block of the paper's kind (Chen et al. 2024, "ViTamin"): two
   * LayerNorms before an MLP that multiplies two maps, one of them activated.
   */
  GATED(
      PRE_NORM.input,
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        x = torch.add(x, {plus}self.linear(a, {attn.out_proj.*}){a, 3, 4})
        z = torch.layer_norm(x, [{D}], {ln_2.*}, {eps})
        z = torch.layer_norm(z, [{D}], {mlp.norm.*}, {eps})
        y = {plus}self.linear(z, {mlp.fc1_g.*}){z, 4, 5}
        y = torch.mul({gelu}, {plus}self.linear(z, {mlp.fc1_x.*}){z, 5, 6})
        return torch.add(x, {plus}self.linear(y, {mlp.c_proj.*}){y, 6, 7})
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, {attn.out_proj.*})
        z = torch.layer_norm(x, [{D}], {ln_2.*}, {eps})
        z = torch.layer_norm(z, [{D}], {mlp.norm.*}, {eps})
        y = torch.narrow(self.packed_act(z, {mlp.fc1_g.*}), -1, 0, {M})
        y = torch.mul(y, self.packed(z, {mlp.fc1_x.*}, {M}))
        return self.packed_add(x, y, {mlp.c_proj.*})
      """),

  /** x + LayerNorm(attention(x)), then x + LayerNorm(MLP(x)) (Liu et al. 2021, "Swin V2"). */
  RES_POST_NORM(
      "x",
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        a = {plus}self.linear(a, {attn.out_proj.*}){a, 3, 4}
        x = torch.add(x, torch.layer_norm(self.full(a), [{D}], {ln_1.*}, {eps}))
        y = {plus}self.linear(x, {mlp.c_fc.*}){x, 4, 5}
        y = {gelu}
        y = {plus}self.linear(y, {mlp.c_proj.*}){y, 5, 6}
        return torch.add(x, torch.layer_norm(self.full(y), [{D}], {ln_2.*}, {eps}))
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        a = self.packed(a, {attn.out_proj.*}, {D})
        x = torch.add(x, torch.layer_norm(self.full(a), [{D}], {ln_1.*}, {eps}))
        y = self.packed(self.packed_act(x, {mlp.c_fc.*}), {mlp.c_proj.*}, {D})
        return torch.add(x, torch.layer_norm(self.full(y), [{D}], {ln_2.*}, {eps}))
      """);

  /** What queries, keys and values are made of. */
  final String input;

  /** With marks of what goes into each map, see {@link ResidualAttentionBlock}. */
  final String residual;

  /** The same of weights that are laid out for inference. */
  final String prepared;

  /** Whether the MLP multiplies two maps. */
  boolean isGated() {
    return this == SUB_NORM || this == GATED;
  }

  BlockForm(String input, String residual, String prepared) {
    this.input = input;
    this.residual = residual;
    this.prepared = prepared;
  }
}
