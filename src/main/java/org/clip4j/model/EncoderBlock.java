package org.clip4j.model;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.LoraOptions.Target;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The block of BERT (transformers' {@code BertLayer}): LayerNorm(x + attention(x)), then
 * LayerNorm(x + MLP(x)), with queries, keys and values apart, where no token sees padding.
 *
 * <p>Its functions take beside x which tokens are seen, [N, 1, 1, L].
 *
 * @param width D
 * @param mlpWidth hidden width of the MLP
 * @param heads H
 * @param activation of the MLP
 * @param normEpsilon of every LayerNorm
 * @param picksFirst whether the row at which the last block is computed is always the first
 * @param published a publisher's beginnings of names, see {@link Parameters}
 */
record EncoderBlock(
    int width,
    int mlpWidth,
    int heads,
    Activation activation,
    double normEpsilon,
    boolean picksFirst,
    Map<String, String> published)
    implements BlockKind {

  private static final String SOURCE =
      """
      def {as}block(self, x: Tensor, seen: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        q = self.heads({attended}({plus}self.packed(x, {attention.self.query.*}, {D}){x, 0, 1}))
        k = self.heads({attended}({plus}self.packed(x, {attention.self.key.*}, {D}){x, 1, 2}))
        v = self.heads({attended}({plus}self.packed(x, {attention.self.value.*}, {D}){x, 2, 3}))
        a = torch.scaled_dot_product_attention(q, k, v, seen, 0., False)  # [N, H, L, D/H]
        return self.{as}residual(x, self.joined(a), {rows}p)

      def {as}last_block(self, x: Tensor, row: Tensor, seen: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        k = self.heads({attended}({plus}self.packed(x, {attention.self.key.*}, {D}){x, 1, 2}))
        v = self.heads({attended}({plus}self.packed(x, {attention.self.value.*}, {D}){x, 2, 3}))
        x = self.pick(x, row)  # [N, 1, D]
        q = self.heads({attended}({plus}self.packed(x, {attention.self.query.*}, {D}){x, 0, 1}))
        a = torch.scaled_dot_product_attention(q, k, v, seen, 0., False)  # [N, H, 1, D/H]
        return torch.squeeze(self.{as}residual(x, self.joined(a), {rows}p), 1)  # [N, D]

      """;

  private static final String SHAPES =
      """

      def heads(self, x: Tensor) -> Tensor:
        return torch.transpose(torch.reshape(x, [torch.size(x, 0), torch.size(x, 1), {H}, {d}]), 1, 2)

      def joined(self, a: Tensor) -> Tensor:
        return torch.reshape(torch.transpose(a, 1, 2), [torch.size(a, 0), torch.size(a, 2), {D}])

      def explained_block(self, x: Tensor, seen: Tensor, p: List[Tensor]) -> List[Tensor]:
        q = self.heads(self.packed(x, {attention.self.query.*}, {D}))
        k = self.heads(self.packed(x, {attention.self.key.*}, {D}))
        v = self.heads(self.packed(x, {attention.self.value.*}, {D}))
        s = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), {root})
        w = torch.softmax(torch.masked_fill(s, torch.logical_not(seen), -3e38), -1)  # [N, H, L, L]
        return [self.residual(x, self.joined(torch.matmul(w, v)), p), w]

      """;

  private static final String RESIDUAL =
      """
      def {as}residual(self, x: Tensor, a: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        x = torch.add(x, {plus}self.linear(a, {attention.output.dense.*}){a, 3, 4})
        x = torch.layer_norm(x, [{D}], {attention.output.LayerNorm.*}, {eps})
        y = {plus}self.linear(x, {intermediate.dense.*}){x, 4, 5}
        y = {act}
        x = torch.add(x, {plus}self.linear(y, {output.dense.*}){y, 5, 6})
        return torch.layer_norm(x, [{D}], {output.LayerNorm.*}, {eps})
      """;

  private static final String PREPARED_RESIDUAL =
      """
      def {as}residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, {attention.output.dense.*})
        x = torch.layer_norm(x, [{D}], {attention.output.LayerNorm.*}, {eps})
        x = self.packed_add(x, self.packed_act(x, {intermediate.dense.*}), {output.dense.*})
        return torch.layer_norm(x, [{D}], {output.LayerNorm.*}, {eps})
      """;

  @Override
  public Parameters parameters() {
    Init weight = Parameters.normal(0.02);
    Init zero = Parameters.constant(0);
    return new Parameters(published)
        .linear("attention.self.query", weight, zero, width, width)
        .linear("attention.self.key", weight, zero, width, width)
        .linear("attention.self.value", weight, zero, width, width)
        .linear("attention.output.dense", weight, zero, width, width)
        .norm("attention.output.LayerNorm", width)
        .linear("intermediate.dense", weight, zero, mlpWidth, width)
        .linear("output.dense", weight, zero, width, mlpWidth)
        .norm("output.LayerNorm", width)
        .lay("attention.self.query.", Operation.PRODUCT)
        .lay("attention.self.key.", Operation.PRODUCT)
        .lay("attention.self.value.", Operation.PRODUCT)
        .lay("attention.output.dense.", Operation.SUM)
        .lay("intermediate.dense.", Operation.ACTIVATION)
        .lay("output.dense.", Operation.SUM, true, "");
  }

  @Override
  public List<LoraPlace> places(Parameters declared, String prefix) {
    return List.of(
        place(Target.QUERY, declared, prefix, "attention.self.query"),
        place(Target.KEY, declared, prefix, "attention.self.key"),
        place(Target.VALUE, declared, prefix, "attention.self.value"),
        place(Target.ATTENTION_OUTPUT, declared, prefix, "attention.output.dense"),
        place(Target.MLP_HIDDEN, declared, prefix, "intermediate.dense"),
        place(Target.MLP_OUTPUT, declared, prefix, "output.dense"));
  }

  private LoraPlace place(Target target, Parameters declared, String prefix, String map) {
    long outputs = target == Target.MLP_HIDDEN ? mlpWidth : width;
    long inputs = target == Target.MLP_OUTPUT ? mlpWidth : width;
    return new LoraPlace(target, prefix + declared.stored(map + ".weight"), 0, outputs, inputs);
  }

  @Override
  public String source(TowerKernels.Use use) {
    boolean prepared = use == TowerKernels.Use.PREPARED;
    boolean trained = use == TowerKernels.Use.TRAIN;
    Parameters declared = parameters();
    String source =
        (ResidualAttentionBlock.variants(
                    SOURCE + (prepared ? PREPARED_RESIDUAL : RESIDUAL), this, declared, prepared)
                + SHAPES
                + ResidualAttentionBlock.pick(picksFirst))
            .replace("{context:}", "seen: Tensor, ")
            .replace("{context}", "seen, ")
            .replace("{D}", Integer.toString(width))
            .replace("{H}", Integer.toString(heads))
            .replace("{d}", Integer.toString(width / heads))
            .replace("{root}", Double.toString(1 / Math.sqrt(width / heads)))
            .replace("{eps}", Double.toString(normEpsilon))
            .replace("{act}", trained ? activation.source : activation.inference.inPlace())
            .replace("{attended}", ResidualAttentionBlock.attended(use, width));
    return declared.resolve(source, prepared);
  }

  @Override
  public boolean stacks() {
    return true;
  }

  @Override
  public Set<String> unprepared(boolean pooled) {
    return Set.of();
  }
}
