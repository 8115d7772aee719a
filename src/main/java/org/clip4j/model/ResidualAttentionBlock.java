package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.LinearKernels.Operation;
import org.clip4j.engine.TorchScript;

/**
 * The residual attention block that both towers stack (OpenCLIP's {@code ResidualAttentionBlock}):
 * x + attention(LayerNorm(x)), then x + MLP(LayerNorm(x)), each branch optionally scaled per
 * channel (LayerScale).
 *
 * <p>Shapes: N batch, L tokens, D width, H heads.
 */
final class ResidualAttentionBlock {

  /**
   * In training, only narrower towers widen the operands of attention: what a backward pass keeps
   * of them takes more memory, and the wider a tower, the smaller attention's share of the time.
   */
  private static final int WIDE = 512;

  /** A block's parameters in the order in which the kernels take them, without LayerScale's. */
  private static final List<String> OPENCLIP =
      List.of(
          "ln_1.weight",
          "ln_1.bias",
          "attn.in_proj_weight",
          "attn.in_proj_bias",
          "attn.out_proj.weight",
          "attn.out_proj.bias",
          "ln_2.weight",
          "ln_2.bias",
          "mlp.c_fc.weight",
          "mlp.c_fc.bias",
          "mlp.c_proj.weight",
          "mlp.c_proj.bias");

  private static final List<String> TIMM =
      List.of(
          "norm1.weight",
          "norm1.bias",
          "attn.qkv.weight",
          "attn.qkv.bias",
          "attn.proj.weight",
          "attn.proj.bias",
          "norm2.weight",
          "norm2.bias",
          "mlp.fc1.weight",
          "mlp.fc1.bias",
          "mlp.fc2.weight",
          "mlp.fc2.bias");

  /**
   * The last block computes only the one row per image or text that is pooled: all else of its
   * output is never read.
   */
  private static final String SOURCE =
      """
      def block(self, x: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = torch.layer_norm(x, [{D}], p[0], p[1], {eps})
        qkv = torch.reshape({attended}({qkv}), [N, L, 3, {H}, {d}])
        qkv = torch.permute(qkv, [2, 0, 3, 1, 4])  # [3, N, H, L, D/H]
        q = torch.select(qkv, 0, 0)
        k = torch.select(qkv, 0, 1)
        v = torch.select(qkv, 0, 2)
        a = torch.scaled_dot_product_attention(q, k, v, None, 0., {causal})
        a = torch.reshape(torch.transpose(a, 1, 2), [N, L, {D}])
        return self.residual(x, a, p)

      def last_block(self, x: Tensor, row: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = torch.layer_norm(x, [{D}], p[0], p[1], {eps})
        kv = {attended}({kv})
        kv = torch.permute(torch.reshape(kv, [N, L, 2, {H}, {d}]), [2, 0, 3, 1, 4])  # [2, N, H, L, D/H]
        k = torch.select(kv, 0, 0)
        v = torch.select(kv, 0, 1)
        q = {attended}({q})
        q = torch.transpose(torch.reshape(q, [N, 1, {H}, {d}]), 1, 2)  # [N, H, 1, D/H]
        a = torch.scaled_dot_product_attention(q, k, v, {visible}, 0., False)
        a = torch.reshape(torch.transpose(a, 1, 2), [N, 1, {D}])
        return torch.squeeze(self.residual(self.pick(x, row), a, p), 1)  # [N, D]

      def at(self, x: Tensor, row: Tensor) -> Tensor:
        return torch.squeeze(self.pick(x, row), 1)  # [N, D]

      """;

  private static final String RESIDUAL =
      """
      def residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.add(x, {ls_1}self.linear(a, p[4], p[5]){/ls})
        y = self.linear(torch.layer_norm(x, [{D}], p[6], p[7], {eps}), p[8], p[9])
        y = self.linear({gelu}, p[10], p[11])
        return torch.add(x, {ls_2}y{/ls})
      """;

  private static final String PREPARED_RESIDUAL =
      """
      def residual(self, x: Tensor, a: Tensor, p: List[Tensor]) -> Tensor:
        x = self.packed_add(x, a, p[4], p[5])
        y = self.packed_act(torch.layer_norm(x, [{D}], p[6], p[7], {eps}), p[8], p[9])
        return self.packed_add(x, y, p[10], p[11])
      """;

  private static final String KEY_VALUE =
      "self.linear(y, torch.slice(p[2], 0, {D}, {3D}), torch.slice(p[3], 0, {D}, {3D}))";

  private static final String QUERY =
      "self.linear(self.pick(y, row), torch.slice(p[2], 0, 0, {D}), torch.slice(p[3], 0, 0, {D}))";

  /** Row {@code row[n]} of each sequence; with causal attention it sees the rows up to itself. */
  private static final String PICK =
      """

      def pick(self, x: Tensor, row: Tensor) -> Tensor:
        index = torch.expand(torch.reshape(row, [-1, 1, 1]), [-1, 1, {D}])
        return torch.gather(x, 1, index)  # [N, 1, D]

      def visible(self, row: Tensor, L: int) -> Tensor:
        column = torch.arange(L, dtype=4, layout=None, device=ops.prim.device(row), pin_memory=False)
        return torch.le(column, torch.reshape(row, [-1, 1, 1, 1]))  # [N, 1, 1, L]
      """;

  /** The first row, a class token that sees all. */
  private static final String FIRST_PICK =
      """

      def pick(self, x: Tensor, row: Tensor) -> Tensor:
        return torch.slice(x, 1, 0, 1)  # [N, 1, D]
      """;

  /**
   * What the blocks of one tower share.
   *
   * @param width D
   * @param heads H
   * @param activation of the MLP
   * @param layerScale whether each branch is scaled per channel
   * @param causal whether a token sees only itself and the ones before it
   * @param picksFirst whether {@link #forwardAt} always takes the first row
   * @param normEpsilon of every LayerNorm
   */
  record Kind(
      int width,
      int heads,
      Activation activation,
      boolean layerScale,
      boolean causal,
      boolean picksFirst,
      double normEpsilon) {

    static Kind of(TextConfig config, Activation activation) {
      return new Kind(
          config.width(),
          config.heads(),
          activation,
          config.lsInitValue() != null,
          config.causal(),
          false,
          config.normEpsilon());
    }

    static Kind of(VisionConfig config, Activation activation) {
      return new Kind(
          config.width(),
          config.heads(),
          activation,
          config.lsInitValue() != null,
          false,
          true,
          config.normEpsilon());
    }
  }

  private final Kind kind;
  private final TowerKernels kernels;
  private final NDList parameters;
  private volatile Prepared prepared;

  /**
   * Weights laid out for inference.
   *
   * @param linear what laid them out
   * @param parameters as the kernel named {@code method} takes them
   */
  private record Prepared(PreparedLinear linear, String method, NDList parameters) {}

  /**
   * Takes the parameters of one block.
   *
   * @param kernels of {@link #source}
   * @param all every parameter of the model
   * @param prefix of this block's names, with the final dot
   */
  ResidualAttentionBlock(Kind kind, TowerKernels kernels, Map<String, NDArray> all, String prefix) {
    this.kind = kind;
    this.kernels = kernels;
    List<NDArray> own = new ArrayList<>();
    List<String> names = all.containsKey(prefix + OPENCLIP.get(0)) ? OPENCLIP : TIMM;
    names.forEach(name -> own.add(all.get(prefix + name)));
    if (all.containsKey(prefix + "ls_1.gamma")) {
      own.add(all.get(prefix + "ls_1.gamma"));
      own.add(all.get(prefix + "ls_2.gamma"));
    }
    parameters = TorchScript.list(own);
  }

  /** The functions that the blocks of one tower call. */
  static String source(Kind kind, TowerKernels.Use use) {
    boolean prepared = use == TowerKernels.Use.PREPARED;
    return (SOURCE
            + (prepared ? PREPARED_RESIDUAL : RESIDUAL)
            + (kind.picksFirst ? FIRST_PICK : PICK))
        .replace(
            "{qkv}", prepared ? "self.packed(y, p[2], p[3], {3D})" : "self.linear(y, p[2], p[3])")
        .replace("{kv}", prepared ? "self.packed(y, p[2], p[3], {2D})" : KEY_VALUE)
        .replace("{q}", prepared ? "self.packed(self.pick(y, row), p[12], p[13], {D})" : QUERY)
        .replace("{D}", Integer.toString(kind.width))
        .replace("{2D}", Integer.toString(2 * kind.width))
        .replace("{3D}", Integer.toString(3 * kind.width))
        .replace("{H}", Integer.toString(kind.heads))
        .replace("{d}", Integer.toString(kind.width / kind.heads))
        .replace("{eps}", Double.toString(kind.normEpsilon))
        .replace("{causal}", kind.causal ? "True" : "False")
        .replace("{visible}", kind.causal ? "self.visible(row, L)" : "None")
        .replace(
            "{gelu}",
            use == TowerKernels.Use.TRAIN
                ? kind.activation.source
                : kind.activation.inference.inPlace())
        .replace("{ls_1}", kind.layerScale ? "torch.mul(p[12], " : "")
        .replace("{ls_2}", kind.layerScale ? "torch.mul(p[13], " : "")
        .replace("{/ls}", kind.layerScale ? ")" : "")
        .replace(
            "{attended}",
            use == TowerKernels.Use.TRAIN && kind.width >= WIDE ? "" : "self.attended");
  }

  /** [N, L, D] to [N, L, D]. */
  NDArray forward(Forward pass, NDArray x) {
    return call(pass, "block", x);
  }

  /**
   * The block's output at one row of each sequence.
   *
   * @param x [N, L, D]
   * @param row [N], int64
   * @return [N, D]
   */
  NDArray forwardAt(Forward pass, NDArray x, NDArray row) {
    return call(pass, "last_block", x, row);
  }

  private NDArray call(Forward pass, String method, NDArray... arguments) {
    Prepared now = prepared;
    Shape shape = arguments[0].getShape();
    boolean serves =
        now != null
            && now.method.equals(method)
            && now.linear.serves(pass, shape.get(0) * shape.get(1));
    Object[] all = Arrays.copyOf(arguments, arguments.length + 1, Object[].class);
    all[arguments.length] = serves ? now.parameters : parameters;
    return serves ? kernels.call(now.linear, method, all) : kernels.call(pass, method, all);
  }

  /**
   * Lays the weights out for inference.
   *
   * @param linear lays them out and owns them; null to go back to the weights as they are
   * @param pooled whether for {@link #forwardAt} instead of {@link #forward}
   */
  void prepare(PreparedLinear linear, boolean pooled) {
    if (linear == null) {
      prepared = null;
      return;
    }
    long width = kind.width;
    double factor = linear.activationFactor();
    NDArray firstScale = kind.layerScale ? parameters.get(12) : null;
    NDArray secondScale = kind.layerScale ? parameters.get(13) : null;
    long from = pooled ? width : 0;
    List<NDArray> laid = new ArrayList<>();
    laid.addAll(parameters.subList(0, 2));
    NDArray inWeight = parameters.get(2);
    NDArray inBias = parameters.get(3);
    laid.addAll(linear.lay(inWeight, inBias, from, 3 * width, 1, 1, null, Operation.PRODUCT));
    laid.addAll(linear.lay(parameters.get(4), parameters.get(5), firstScale, Operation.SUM));
    laid.addAll(parameters.subList(6, 8));
    NDArray hidden = parameters.get(8);
    long size = hidden.size(0);
    laid.addAll(
        linear.lay(hidden, parameters.get(9), 0, size, factor, factor, null, Operation.ACTIVATION));
    laid.addAll(
        linear.lay(
            parameters.get(10),
            parameters.get(11),
            0,
            width,
            1 / factor,
            1,
            secondScale,
            Operation.SUM));
    if (pooled) {
      laid.addAll(linear.lay(inWeight, inBias, 0, width, 1, 1, null, Operation.PRODUCT));
    }
    prepared = new Prepared(linear, pooled ? "last_block" : "block", TorchScript.list(laid));
  }
}
