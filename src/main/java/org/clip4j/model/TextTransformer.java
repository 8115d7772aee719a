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
 * The text encoder (Radford et al. 2021, section 2.4; OpenCLIP's {@code TextTransformer}, and the
 * text half of its {@code CLIP}): a transformer whose output at one token, by default the
 * end-of-text token, is the text's feature.
 *
 * <p>Where attention is causal nothing after the pooled token can reach it, so token ids may be cut
 * to the longest text, see {@link TextConfig#cutsPadding}.
 */
final class TextTransformer implements TextTower {
  private static final String BLOCKS = "transformer.resblocks.";

  private static final String SOURCE =
      """
      def pooled_row(self, ids: Tensor) -> Tensor:
        return {row}  # [N]

      def embed(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        return self.placed(torch.embedding({token_embedding.weight}, {ids}), p)

      def embed_levels(self, ids: Tensor, p: List[Tensor]) -> Tensor:
        ids = {ids}
        row = torch.flatten(ids)
        scale = torch.index_select(p[{scales}], 0, row)
        x = torch.mul(torch.index_select({token_embedding.weight}, 0, row), torch.unsqueeze(scale, 1))
        return self.placed(torch.reshape(x, [torch.size(ids, 0), torch.size(ids, 1), {D}]), p)

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.layer_norm(x, [{D}], {ln_final.*}, {eps})
        return {project}  # [N, E]

      """;

  private static final String PLACED =
      """
      def placed(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return torch.add(x, torch.slice({positional_embedding}, 0, 0, torch.size(x, 1)))  # [N, L, D]

      """;

  /**
   * A class token, which has the last position, comes after the text. What it sees is OpenCLIP's:
   * its mask of the padding stands one place too far to the right in the weights that were
   * published, so that of the padding one token is seen, and the class token itself only where a
   * text fills the context. All else of the padding is seen by none, and cut. The class token's row
   * is the first here, so that the place of no row depends on the padding.
   */
  private static final String CLASS_TOKEN =
      """
      def padded(self, ids: Tensor) -> Tensor:
        if torch.size(ids, 1) < {C}:
          ids = torch.constant_pad_nd(ids, [0, 1], {pad})
        return ids  # [N, M]

      def placed(self, x: Tensor, p: List[Tensor]) -> Tensor:
        M = torch.size(x, 1)
        token = torch.expand(torch.reshape({cls_emb}, [1, 1, {D}]), [torch.size(x, 0), 1, {D}])
        places = torch.cat([torch.slice({positional_embedding}, 0, {C}), torch.slice({positional_embedding}, 0, 0, M)], 0)
        return torch.add(torch.cat([token, x], 1), places)  # [N, 1 + M, D]

      def seen(self, ids: Tensor) -> Tensor:
        keys = torch.ne(self.padded(ids), {pad})
        keys = torch.cat([torch.ones_like(torch.slice(keys, 1, 0, 1)), keys], 1)  # [N, M + 1]
        seen = torch.unsqueeze(torch.unsqueeze(keys, 1), 1)
        return {first}

      """;

  private static final String FIRST = "torch.roll(seen, [1], [3])";

  private static final String FIRST_OF_CAUSAL =
      "torch.roll(torch.tril(torch.expand(seen, [-1, -1, torch.size(seen, 3), -1])), [1, 1], [2, 3])";

  /** argmax gives the first of equals. */
  private static final Map<TextPooling, String> ROW =
      Map.of(
          TextPooling.FIRST, "torch.zeros_like(torch.select(ids, 1, 0))",
          TextPooling.LAST, "torch.full_like(torch.select(ids, 1, 0), torch.size(ids, 1) - 1)",
          TextPooling.ARGMAX, "torch.argmax(ids, -1)",
          TextPooling.EOS, "torch.argmax(torch.to(torch.eq(ids, {eos}), 3), -1)");

  private static final Map<TextProjection, String> PROJECT =
      Map.of(
          TextProjection.MATRIX, "self.full(self.matmul(x, {text_projection}))",
          TextProjection.LINEAR, "self.full(self.linear(x, {text_projection.*}))",
          TextProjection.NONE, "x");

  private static final String TABLE = "token_embedding.weight";

  private final TextDeclaration declared;
  private final TowerKernels kernels;
  private final NDList own;
  private final Transformer transformer;
  private volatile Prepared prepared;

  /** What is around the blocks, with the table of tokens laid out. */
  private record Prepared(PreparedLinear linear, NDList parameters) {}

  private TextTransformer(
      String source, TextDeclaration declared, NDManager manager, Map<String, NDArray> all) {
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

  /** Declares the tower. */
  static TextDeclaration declare(ClipConfig config, TextTransformerConfig text) {
    AttentionKind kind = AttentionKind.of(text, config.quickGelu());
    Parameters parameters = parameters(text, config.embedDim(), kind.parameters());
    String source =
        (SOURCE + (text.embedCls() ? CLASS_TOKEN : PLACED))
            .replace("{ids}", text.embedCls() ? "self.padded(ids)" : "ids")
            .replace("{first}", text.causal() ? FIRST_OF_CAUSAL : FIRST)
            .replace("{C}", Integer.toString(text.contextLength()))
            .replace("{pad}", Integer.toString(text.padId()))
            .replace("{scales}", Integer.toString(parameters.count()))
            .replace("{row}", ROW.get(text.embedCls() ? TextPooling.FIRST : text.pooling()))
            .replace("{eos}", Integer.toString(text.eosId()))
            .replace("{project}", PROJECT.get(text.projection()))
            .replace("{D}", Integer.toString(text.width()))
            .replace("{eps}", Double.toString(text.normEpsilon()));
    return new TextDeclaration(
        text,
        config.customText() ? "text." : "",
        BLOCKS,
        parameters,
        kind,
        (declared, manager, all) -> new TextTransformer(source, declared, manager, all));
  }

  private static Parameters parameters(TextTransformerConfig text, int embedDim, Parameters block) {
    int width = text.width();
    Init projection = Init.normal(Math.pow(width, -0.5));
    Init small = Init.normal(0.01);
    Parameters own = new Parameters();
    if (text.embedCls()) {
      own.add("cls_emb", small, width);
    }
    own.add(
        "positional_embedding", small, text.contextLength() + (text.embedCls() ? 1L : 0), width);
    if (text.projection() == TextProjection.MATRIX) {
      own.add("text_projection", projection, width, embedDim);
    }
    own.blocks(BLOCKS, block, text.layers())
        .add(TABLE, Init.normal(0.02), text.vocabSize(), width)
        .norm("ln_final", width);
    return text.projection() == TextProjection.LINEAR
        ? own.linear("text_projection", projection, Init.constant(0), embedDim, width)
        : own;
  }

  @Override
  public Activation activation() {
    return declared.kind().activation();
  }

  @Override
  public void prepare(PreparedLinear linear) {
    prepared =
        linear == null
            ? null
            : declared
                .parameters()
                .prepareTable(linear, own, declared.prefix(), TABLE)
                .map(parameters -> new Prepared(linear, parameters))
                .orElse(null);
    transformer.prepare(linear, true);
  }

  @Override
  public Trace trace(NDArray ids) {
    NDArray row = kernels.call(Forward.EXPLAIN, "pooled_row", ids); // [1]
    NDArray[] seen = Autograd.withoutRecording(() -> seen(Forward.EXPLAIN, ids));
    NDArray x = Autograd.withoutRecording(() -> kernels.call(Forward.EXPLAIN, "embed", ids, own));
    List<NDArray> attention = new ArrayList<>();
    return Autograd.record(
        () -> {
          List<NDArray> states = transformer.explain(x, attention::add, seen);
          NDArray last = kernels.call(Forward.EXPLAIN, "at", states.get(states.size() - 1), row);
          float[] pooled = new float[Math.toIntExact(x.size(1))];
          pooled[Math.toIntExact(row.getLong())] = 1;
          NDArray embedding = kernels.call(Forward.EXPLAIN, "project", last, own);
          return new Trace(embedding, states, attention, null, pooled);
        });
  }

  @Override
  public NDArray forward(Forward pass, NDArray ids, Consumer<NDArray> hiddenStates) {
    NDArray row = kernels.call(pass, "pooled_row", ids); // [N]
    AppliedAdapter adapter = pass.adapter();
    NDList plain =
        adapter == null ? own : adapter.around(declared.parameters(), declared.prefix(), own);
    Prepared now = prepared;
    boolean serves = now != null && plain == own && now.linear.serves(pass, ids.size());
    NDArray x = // [N, L, D]
        serves
            ? kernels.call(now.linear, "embed_levels", ids, now.parameters)
            : kernels.call(pass, "embed", ids, plain);
    NDArray pooled = transformer.forwardAt(pass, x, row, hiddenStates, seen(pass, ids)); // [N, D]
    return kernels.call(pass, "project", pooled, serves ? now.parameters : plain); // [N, E]
  }

  /** What the blocks take besides: which tokens are seen, where there is a class token. */
  private NDArray[] seen(Forward pass, NDArray ids) {
    return ((TextTransformerConfig) declared.text()).embedCls()
        ? new NDArray[] {kernels.call(pass, "seen", ids)}
        : new NDArray[0];
  }
}
