package org.clip4j.model;

import java.util.Map;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ParameterSpec.Init;

/**
 * How attention, MLP and norms of an {@link EncoderBlock} follow one another, as functions {@code
 * residual} of the block's input x and of what attention gives, a.
 */
enum EncoderForm {
  /** BERT's: LayerNorm(x + attention(x)), then LayerNorm(x + MLP(x)). */
  POST_NORM(
      "x",
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        x = torch.add(x, {plus}self.linear(a, {attention.output.dense.*}){a, 3, 4})
        x = torch.layer_norm(x, [{D}], {attention.output.LayerNorm.*}, {eps})
        y = {plus}self.linear(x, {intermediate.dense.*}){x, 4, 5}
        y = {act}
        x = torch.add(x, {plus}self.linear(y, {output.dense.*}){y, 5, 6})
        return torch.layer_norm(x, [{D}], {output.LayerNorm.*}, {eps})
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, {attention.output.dense.*})
        x = torch.layer_norm(x, [{D}], {attention.output.LayerNorm.*}, {eps})
        x = self.packed_add(x, self.packed_act(x, {intermediate.dense.*}), {output.dense.*})
        return torch.layer_norm(x, [{D}], {output.LayerNorm.*}, {eps})
      """,
      ""),

  /** M2M-100's (Fan et al. 2020): x + attention(LayerNorm(x)), then x + MLP(LayerNorm(x)). */
  PRE_NORM(
      "torch.layer_norm(x, [{D}], {attention.output.LayerNorm.*}, {eps})",
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        x = torch.add(x, {plus}self.linear(a, {attention.output.dense.*}){a, 3, 4})
        z = torch.layer_norm(x, [{D}], {output.LayerNorm.*}, {eps})
        y = {plus}self.linear(z, {intermediate.dense.*}){z, 4, 5}
        y = {act}
        return torch.add(x, {plus}self.linear(y, {output.dense.*}){y, 5, 6})
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, {attention.output.dense.*})
        z = torch.layer_norm(x, [{D}], {output.LayerNorm.*}, {eps})
        return self.packed_add(x, self.packed_act(z, {intermediate.dense.*}), {output.dense.*})
      """,
      ""),

  /**
   * T5's since its version 1.1 (Shazeer 2020): as {@link #PRE_NORM}, with norms that only scale,
   * maps without bias, and an MLP that multiplies two maps, one of them activated. What attention
   * takes beside its input is not which tokens are seen but what is added to its scores.
   */
  GATED(
      "self.rms(x, {attention.output.LayerNorm.weight})",
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        x = torch.add(x, {plus}self.linear(a, {attention.output.dense.*}){a, 3, 4})
        z = self.rms(x, {output.LayerNorm.weight})
        y = {plus}self.linear(z, {intermediate.dense.*}){z, 4, 5}
        y = torch.mul({act}, {plus}self.linear(z, {intermediate.gate.*}){z, 5, 6})
        return torch.add(x, {plus}self.linear(y, {output.dense.*}){y, 6, 7})
      """,
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, {attention.output.dense.*})
        z = self.rms(x, {output.LayerNorm.weight})
        y = torch.narrow(self.packed_act(z, {intermediate.dense.*}), -1, 0, {M})
        y = torch.mul(y, self.packed(z, {intermediate.gate.*}, {M}))
        return self.packed_add(x, y, {output.dense.*})
      """,
      """

      def rms(self, x: Tensor, w: Tensor) -> Tensor:
        x = self.full(x)
        y = torch.rsqrt(torch.add(torch.mean(torch.mul(x, x), [-1], True), {eps}))
        return torch.mul(torch.mul(x, y), w)
      """);

  /** What queries, keys and values are made of. */
  final String input;

  /** With marks of what goes into each map, see {@link ResidualAttentionBlock}. */
  final String residual;

  /** The same of weights that are laid out for inference. */
  final String prepared;

  /** What the functions call besides. */
  final String more;

  EncoderForm(String input, String residual, String prepared, String more) {
    this.input = input;
    this.residual = residual;
    this.prepared = prepared;
    this.more = more;
  }

  /** Declares the parameters of a block. */
  Parameters parameters(EncoderBlock block, Map<String, String> published) {
    Parameters declared = new Parameters(published);
    int inner = block.heads() * block.headWidth();
    for (String map : new String[] {"query", "key", "value"}) {
      linear(declared, "attention.self." + map, inner, block.width());
    }
    linear(declared, "attention.output.dense", block.width(), inner);
    norm(declared, "attention.output.LayerNorm", block.width());
    linear(declared, "intermediate.dense", block.mlpWidth(), block.width());
    if (this == GATED) {
      linear(declared, "intermediate.gate", block.mlpWidth(), block.width());
    }
    linear(declared, "output.dense", block.width(), block.mlpWidth());
    norm(declared, "output.LayerNorm", block.width());
    for (String map : new String[] {"query", "key", "value"}) {
      declared.lay("attention.self." + map + ".", Operation.PRODUCT);
    }
    declared
        .lay("attention.output.dense.", Operation.SUM)
        .lay("intermediate.dense.", Operation.ACTIVATION);
    if (this == GATED) {
      declared.lay("intermediate.gate.", Operation.PRODUCT);
    }
    return declared.lay("output.dense.", Operation.SUM, this != GATED, "");
  }

  private void linear(Parameters declared, String map, int outputs, int inputs) {
    Init weight = Init.normal(0.02);
    if (this == GATED) {
      declared.add(map + ".weight", weight, outputs, inputs).unbiased(map + ".");
    } else {
      declared.linear(map, weight, Init.constant(0), outputs, inputs);
    }
  }

  private void norm(Parameters declared, String norm, int width) {
    if (this == GATED) {
      declared.add(norm + ".weight", Init.constant(1), width);
    } else {
      declared.norm(norm, width);
    }
  }
}
