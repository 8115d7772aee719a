package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.model.ParameterSpec.Init;

/**
 * A text encoder that was made for texts alone, with a pooling and a head (OpenCLIP's {@code
 * HFTextEncoder}): the family gives the embedding, the blocks and what follows them.
 */
final class EncoderTower implements TextTower {

  /** Which tokens are seen, and what becomes of the last block's output. */
  private static final String SOURCE =
      """
      def tokens(self, ids: Tensor) -> Tensor:
        return torch.ne(ids, {pad})  # [N, L]

      def numbers(self, ids: Tensor) -> Tensor:
        t = torch.to(self.tokens(ids), 4)
        return torch.add(torch.mul(torch.cumsum(t, 1), t), {pad})  # [N, L], counted after the padding's

      def pooled_row(self, ids: Tensor) -> Tensor:
        return {row}  # [N]

      def share(self, ids: Tensor) -> Tensor:
        t = torch.to(self.tokens(ids), 6)
        return torch.div(t, torch.sum(t, [1], True))  # [N, L]

      def project(self, x: Tensor, ids: Tensor, p: List[Tensor]) -> Tensor:
        x = {last}
        x = {pooled}  # [N, D]
        return {project}  # [N, E]

      """;

  private static final Map<EncoderPooling, String> ROW =
      Map.of(
          EncoderPooling.MEAN, "torch.zeros_like(torch.select(ids, 1, 0))",
          EncoderPooling.FIRST, "torch.zeros_like(torch.select(ids, 1, 0))",
          EncoderPooling.POOLER, "torch.zeros_like(torch.select(ids, 1, 0))",
          EncoderPooling.LAST, "torch.sub(torch.sum(torch.to(self.tokens(ids), 4), [1]), 1)");

  private static final Map<EncoderPooling, String> POOLED =
      Map.of(
          EncoderPooling.MEAN, "torch.sum(torch.mul(x, torch.unsqueeze(self.share(ids), -1)), [1])",
          EncoderPooling.FIRST, "x",
          EncoderPooling.POOLER,
              "torch.tanh(self.full(self.linear(x, {transformer.pooler.dense.*})))",
          EncoderPooling.LAST, "x");

  private static final Map<EncoderHead, String> PROJECT =
      Map.of(
          EncoderHead.NONE, "x",
          EncoderHead.LINEAR, "self.full(self.matmul(x, torch.t({proj.weight})))",
          EncoderHead.AFFINE, "self.full(self.linear(x, {proj.*}))",
          EncoderHead.MLP,
              "self.full(self.matmul(torch.gelu(self.full(self.matmul(x,"
                  + " torch.t({proj.0.weight})))), torch.t({proj.2.weight})))");

  private final EncoderConfig text;
  private final TextDeclaration declared;
  private final TowerKernels kernels;
  private final NDList own;
  private final Transformer transformer;

  private EncoderTower(
      EncoderConfig text,
      String source,
      TextDeclaration declared,
      NDManager manager,
      Map<String, NDArray> all) {
    this.text = text;
    this.declared = declared;
    kernels =
        new TowerKernels(
            manager,
            use -> declared.parameters().resolve(source, false) + declared.kind().source(use));
    own = declared.parameters().of(all, declared.prefix());
    transformer =
        new Transformer(
            declared.kind(),
            kernels,
            all,
            declared.prefix() + declared.blocks(),
            declared.text().layers());
  }

  /**
   * Declares a tower.
   *
   * @param parameters the family's; the head's are added
   * @param blocks what precedes a block's number in its names
   * @param source the family's functions: {@code seen}, of ids and p, which the blocks take beside
   *     their input; and {@code embed}, of ids and p, [N, L] to [N, L, D]; they may call {@code
   *     tokens} and {@code numbers}
   * @param last what is made of the last block's output x before it is pooled
   */
  static TextDeclaration declare(
      ClipConfig config,
      EncoderConfig text,
      Parameters parameters,
      String blocks,
      BlockKind kind,
      String source,
      String last) {
    head(parameters, text, config.embedDim());
    String complete =
        (source + SOURCE)
            .replace("{last}", last)
            .replace("{row}", ROW.get(text.pooling()))
            .replace("{pooled}", POOLED.get(text.pooling()))
            .replace("{project}", PROJECT.get(text.head()))
            .replace("{pad}", Integer.toString(text.padId()));
    return new TextDeclaration(
        text,
        "text.",
        blocks,
        parameters,
        kind,
        (declared, manager, all) -> new EncoderTower(text, complete, declared, manager, all));
  }

  private static void head(Parameters parameters, EncoderConfig text, int embedDim) {
    int width = text.width();
    Init weight = Init.normal(0.02);
    if (text.pooling() == EncoderPooling.POOLER) {
      parameters.linear("transformer.pooler.dense", weight, Init.constant(0), width, width);
    }
    Init start = Init.uniformOf(width);
    switch (text.head()) {
      case NONE -> {} // nothing to learn
      case LINEAR -> parameters.add("proj.weight", start, embedDim, width);
      case AFFINE -> parameters.linear("proj", start, start, embedDim, width);
      case MLP -> {
        int hidden = (width + embedDim) / 2;
        parameters.add("proj.0.weight", start, hidden, width);
        parameters.add("proj.2.weight", Init.uniformOf(hidden), embedDim, hidden);
      }
    }
  }

  private boolean pools() {
    return text.pooling() == EncoderPooling.MEAN;
  }

  @Override
  public Activation activation() {
    return text.activation().kernel;
  }

  @Override
  public void prepare(PreparedLinear linear) {
    transformer.prepare(linear, !pools());
  }

  @Override
  public NDArray forward(Forward pass, NDArray ids, Consumer<NDArray> hiddenStates) {
    AppliedAdapter adapter = pass.adapter();
    NDList own =
        adapter == null
            ? this.own
            : adapter.around(declared.parameters(), declared.prefix(), this.own);
    NDArray seen = kernels.call(pass, "seen", ids, own);
    NDArray x = kernels.call(pass, "embed", ids, own); // [N, L, D]
    NDArray last;
    if (pools()) {
      last = transformer.forward(pass, x, hiddenStates, seen); // [N, L, D]
    } else {
      NDArray row = kernels.call(pass, "pooled_row", ids); // [N]
      last = transformer.forwardAt(pass, x, row, hiddenStates, seen); // [N, D]
    }
    return kernels.call(pass, "project", last, ids, own); // [N, E]
  }

  @Override
  public Trace trace(NDArray ids) {
    NDArray seen = Autograd.withoutRecording(() -> kernels.call(Forward.EXPLAIN, "seen", ids, own));
    NDArray x = Autograd.withoutRecording(() -> kernels.call(Forward.EXPLAIN, "embed", ids, own));
    NDArray row = kernels.call(Forward.EXPLAIN, "pooled_row", ids); // [1]
    float[] pooled = new float[Math.toIntExact(ids.size(1))];
    if (pools()) {
      pooled = kernels.call(Forward.EXPLAIN, "share", ids).toFloatArray();
    } else {
      pooled[Math.toIntExact(row.getLong())] = 1;
    }
    float[] shares = pooled;
    List<NDArray> attention = new ArrayList<>();
    return Autograd.record(
        () -> {
          List<NDArray> states = transformer.explain(x, attention::add, seen);
          NDArray last = states.get(states.size() - 1);
          if (!pools()) {
            last = kernels.call(Forward.EXPLAIN, "at", last, row);
          }
          NDArray embedding = kernels.call(Forward.EXPLAIN, "project", last, ids, own);
          return new Trace(embedding, states, attention, null, shares);
        });
  }
}
