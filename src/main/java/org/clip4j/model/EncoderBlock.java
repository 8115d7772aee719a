package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.model.LoraOptions.Target;

/**
 * The block of an encoder for texts alone (transformers' {@code BertLayer} and its like), with
 * queries, keys and values apart, where no token sees padding.
 *
 * <p>Its functions take beside x which tokens are seen, [N, 1, 1, L]; those of {@link
 * EncoderForm#GATED} what is added to the scores of attention, [N, H, L, L].
 *
 * @param form how its parts follow one another
 * @param width D
 * @param headWidth of a head
 * @param mlpWidth hidden width of the MLP
 * @param heads H
 * @param activation of the MLP
 * @param normEpsilon of every norm
 * @param picksFirst whether the row at which the last block is computed is always the first
 * @param published a publisher's beginnings of names, see {@link Parameters}
 */
record EncoderBlock(
    EncoderForm form,
    int width,
    int headWidth,
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
        y = {input}
        q = self.heads({attended}({plus}self.packed(y, {attention.self.query.*}, {A}){y, 0, 1}))
        k = self.heads({attended}({plus}self.packed(y, {attention.self.key.*}, {A}){y, 1, 2}))
        v = self.heads({attended}({plus}self.packed(y, {attention.self.value.*}, {A}){y, 2, 3}))
        a = torch.scaled_dot_product_attention(q, k, v, {mask}, 0., False{scale})  # [N, H, L, d]
        return self.{as}residual(x, self.joined(a), {rows}p)

      """;

  private static final String LAST =
      """
      def {as}last_block(self, x: Tensor, row: Tensor, seen: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        y = {input}
        k = self.heads({attended}({plus}self.packed(y, {attention.self.key.*}, {A}){y, 1, 2}))
        v = self.heads({attended}({plus}self.packed(y, {attention.self.value.*}, {A}){y, 2, 3}))
        y = self.pick(y, row)  # [N, 1, D]
        q = self.heads({attended}({plus}self.packed(y, {attention.self.query.*}, {A}){y, 0, 1}))
        a = torch.scaled_dot_product_attention(q, k, v, {mask}, 0., False{scale})  # [N, H, 1, d]
        x = self.{as}residual(self.pick(x, row), self.joined(a), {rows}p)
        return torch.squeeze(x, 1)  # [N, D]

      """;

  /** What is added to the scores is of all rows. */
  private static final String WHOLE_LAST =
      """
      def {as}last_block(self, x: Tensor, row: Tensor, seen: Tensor, {rows:}p: List[Tensor]) -> Tensor:
        return self.at(self.{as}block(x, seen, {rows}p), row)  # [N, D]

      """;

  private static final String SHAPES =
      """

      def heads(self, x: Tensor) -> Tensor:
        return torch.transpose(torch.reshape(x, [torch.size(x, 0), torch.size(x, 1), {H}, {d}]), 1, 2)

      def joined(self, a: Tensor) -> Tensor:
        return torch.reshape(torch.transpose(a, 1, 2), [torch.size(a, 0), torch.size(a, 2), {A}])

      def explained_block(self, x: Tensor, seen: Tensor, p: List[Tensor]) -> List[Tensor]:
        y = {input}
        q = self.heads(self.packed(y, {attention.self.query.*}, {A}))
        k = self.heads(self.packed(y, {attention.self.key.*}, {A}))
        v = self.heads(self.packed(y, {attention.self.value.*}, {A}))
        s = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), {root})
        w = torch.softmax({visible}, -1)  # [N, H, L, L]
        return [self.residual(x, self.joined(torch.matmul(w, v)), p), w]

      """;

  @Override
  public Parameters parameters() {
    return form.parameters(this, published);
  }

  private boolean gated() {
    return form == EncoderForm.GATED;
  }

  @Override
  public List<LoraPlace> places(Parameters declared, String prefix) {
    List<LoraPlace> places =
        new ArrayList<>(
            List.of(
                place(Target.QUERY, declared, prefix, "attention.self.query"),
                place(Target.KEY, declared, prefix, "attention.self.key"),
                place(Target.VALUE, declared, prefix, "attention.self.value"),
                place(Target.ATTENTION_OUTPUT, declared, prefix, "attention.output.dense"),
                place(Target.MLP_HIDDEN, declared, prefix, "intermediate.dense")));
    if (gated()) {
      places.add(place(Target.MLP_HIDDEN, declared, prefix, "intermediate.gate"));
    }
    places.add(place(Target.MLP_OUTPUT, declared, prefix, "output.dense"));
    return places;
  }

  private LoraPlace place(Target target, Parameters declared, String prefix, String map) {
    int inner = heads * headWidth;
    long outputs =
        switch (target) {
          case QUERY, KEY, VALUE -> inner;
          case MLP_HIDDEN -> mlpWidth;
          default -> width;
        };
    long inputs =
        switch (target) {
          case ATTENTION_OUTPUT -> inner;
          case MLP_OUTPUT -> mlpWidth;
          default -> width;
        };
    return new LoraPlace(target, prefix + declared.stored(map + ".weight"), 0, outputs, inputs);
  }

  @Override
  public String source(TowerKernels.Use use) {
    boolean prepared = use == TowerKernels.Use.PREPARED;
    boolean trained = use == TowerKernels.Use.TRAIN;
    Parameters declared = parameters();
    String blocks =
        SOURCE + (gated() ? WHOLE_LAST : LAST) + (prepared ? form.prepared : form.residual);
    String source =
        (ResidualAttentionBlock.variants(blocks, this, declared, prepared)
                + SHAPES
                + form.more
                + ResidualAttentionBlock.pick(picksFirst))
            .replace("{input}", form.input)
            .replace("{context:}", "seen: Tensor, ")
            .replace("{context}", "seen, ")
            .replace("{mask}", gated() ? "torch.to(seen, ops.prim.dtype(q))" : "seen")
            .replace("{visible}", gated() ? "torch.add(s, seen)" : ResidualAttentionBlock.MASKED)
            .replace("{scale}", gated() ? ", scale=1." : "") // else by the root of a head's width
            .replace("{A}", Integer.toString(heads * headWidth))
            .replace("{M}", Integer.toString(mlpWidth))
            .replace("{D}", Integer.toString(width))
            .replace("{H}", Integer.toString(heads))
            .replace("{d}", Integer.toString(headWidth))
            .replace("{root}", Double.toString(gated() ? 1 : 1 / Math.sqrt(headWidth)))
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
