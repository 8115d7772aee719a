package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

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

  /**
   * The last block computes only the one row per image or text that is pooled: all else of its
   * output is never read.
   */
  private static final String SOURCE =
      """
      def {as}block(self, x: Tensor, {context:}{rows:}p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = {input}
        qkv = torch.reshape({attended}({plus}self.packed(y, {attn.in_proj_*}, {3D}){y, 0, 3}), [N, L, 3, {H}, {d}])
        qkv = torch.permute(qkv, [2, 0, 3, 1, 4])  # [3, N, H, L, D/H]
        q = {turned}torch.select(qkv, 0, 0){/turned}
        k = {turned}torch.select(qkv, 0, 1){/turned}
        v = torch.select(qkv, 0, 2)
        a = torch.scaled_dot_product_attention(q, k, v, {mask}, 0., {causal})
        a = torch.reshape(torch.transpose(a, 1, 2), [N, L, {D}])
        return self.{as}residual(x, a, {rows}p)

      def {as}last_block(self, x: Tensor, row: Tensor, {context:}{rows:}p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = {input}
        kv = {attended}({plus}self.packed(y, {attn.kv_*}, {2D}){y, 1, 3})
        kv = torch.permute(torch.reshape(kv, [N, L, 2, {H}, {d}]), [2, 0, 3, 1, 4])  # [2, N, H, L, D/H]
        k = {turned}torch.select(kv, 0, 0){/turned}
        v = torch.select(kv, 0, 1)
        y = self.pick(y, row)  # [N, 1, D]
        q = {attended}({plus}self.packed(y, {attn.q_*}, {D}){y, 0, 1})
        q = torch.transpose(torch.reshape(q, [N, 1, {H}, {d}]), 1, 2)  # [N, H, 1, D/H]
        a = torch.scaled_dot_product_attention(q, k, v, {visible}, 0., False)
        a = torch.reshape(torch.transpose(a, 1, 2), [N, 1, {D}])
        return torch.squeeze(self.{as}residual(self.pick(x, row), a, {rows}p), 1)  # [N, D]

      """;

  /** A block whose attention can be looked at. */
  private static final String EXPLAINED =
      """
      def explained_block(self, x: Tensor, {context:}p: List[Tensor]) -> List[Tensor]:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = {input}
        qkv = torch.reshape(self.packed(y, {attn.in_proj_*}, {3D}), [N, L, 3, {H}, {d}])
        qkv = torch.permute(qkv, [2, 0, 3, 1, 4])  # [3, N, H, L, D/H]
        q = {turned}torch.select(qkv, 0, 0){/turned}
        k = {turned}torch.select(qkv, 0, 1){/turned}
        w = self.attention(q, k{, seen}, p)
        a = torch.matmul(w, torch.select(qkv, 0, 2))
        a = torch.reshape(torch.transpose(a, 1, 2), [N, L, {D}])
        return [self.residual(x, a, p), w]

      def attention(self, q: Tensor, k: Tensor{, seen:}, p: List[Tensor]) -> Tensor:
        s = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), {root})
        return torch.softmax({seen}, -1)  # [N, H, queries, keys]

      """;

  /** Keys after the query get no weight. */
  private static final String CAUSAL =
      "torch.masked_fill(s, torch.eq(torch.tril(torch.ones_like(s)), 0), -3e38)";

  /** Scores s of the keys that are not seen get no weight. */
  static final String MASKED = "torch.masked_fill(s, torch.logical_not(seen), -3e38)";

  /** A whole stack in one call: crossing into native code costs a caption as much as a product. */
  private static final String STACK =
      """
      def stack(self, x: Tensor, {context:}p: List[Tensor]) -> Tensor:
        for i in range(torch.len(p) // {count}):
          x = self.block(x, {context}torch.slice(p, i * {count}, (i + 1) * {count}))
        return x

      def stack_at(self, x: Tensor, row: Tensor, {context:}p: List[Tensor]) -> Tensor:
        before = (torch.len(p) // {count} - 1) * {count}
        x = self.stack(x, {context}torch.slice(p, 0, before))
        return self.last_block(x, row, {context}torch.slice(p, before))

      """;

  /** Marks what goes into a map, and which of {@link #places} it is made of. */
  private static final Pattern INPUT = Pattern.compile("\\{(\\w, \\d, \\d)}");

  /** Where weights are not laid out. */
  private static final String UNPREPARED =
      """

      def packed(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        return self.linear(x, w, b)

      """;

  /**
   * What an adapter adds to maps, see {@link AppliedAdapter#parameters}. What of its inputs it does
   * not see in training follows from a number for each row of the batch and from the place of the
   * value in that row alone, so that every pass over a row, and every division of a batch into
   * micro-batches, leaves out the same. Each map leaves out its own, as in Python's peft.
   */
  private static final String ADAPTED =
      """

      def plus(self, y: Tensor, x: Tensor, first: int, to: int, rows: Tensor, p: List[Tensor]) -> Tensor:
        rank = 0
        for i in range(to - first):
          rank = rank + torch.size(p[{A} + 3 * (first + i)], 0)
        if rank > 0:
          parts = annotate(List[Tensor], [])
          for i in range(to - first):
            parts = torch.append(parts, self.low_rank(x, first + i, rows, p))
          y = torch.add(y, torch.cat(parts, -1))
        return y

      def low_rank(self, x: Tensor, map: int, rows: Tensor, p: List[Tensor]) -> Tensor:
        scale = p[{A} + 3 * map + 2]
        if torch.size(rows, 0) > 0:
          if torch.size(p[{A} + 3 * map], 0) > 0:
            x = torch.masked_fill(x, self.dropped(x, map, rows, p), 0.)
          scale = torch.mul(scale, p[{B} + 2])
        z = torch.mul(self.matmul(x, torch.t(p[{A} + 3 * map])), scale)  # [N, L, rank]
        return self.matmul(z, torch.t(p[{A} + 3 * map + 1]))

      def dropped(self, x: Tensor, map: int, rows: Tensor, p: List[Tensor]) -> Tensor:
        values = torch.size(x, 1) * torch.size(x, 2)
        at = torch.arange(values, dtype=3, layout=None, device=ops.prim.device(x), pin_memory=False)
        row = torch.to(torch.add(torch.add(rows, p[{B}]), map * 40503), 3)  # [N]
        drawn = self.mixed(torch.add(torch.unsqueeze(self.mixed(row), 1), self.mixed(at)))
        return torch.reshape(torch.lt(drawn, p[{B} + 1]), [torch.size(x, 0), torch.size(x, 1), torch.size(x, 2)])

      def mixed(self, h: Tensor) -> Tensor:
        h = torch.mul(h, -1640531535)
        h = torch.bitwise_xor_(h, torch.bitwise_and(torch.bitwise_right_shift(h, 15), 131071))
        h = torch.mul_(h, -2048144777)
        return torch.bitwise_xor_(h, torch.bitwise_and(torch.bitwise_right_shift(h, 13), 524287))
      """;

  /** Turns pairs of channels by the angles of their row, see {@link RotaryPositions}. */
  private static final String TURNED =
      """

      def turned(self, x: Tensor, rope: Tensor) -> Tensor:
        pairs = torch.reshape(self.full(x), [torch.size(x, 0), {H}, -1, {d/2}, 2])
        y = torch.mul(torch.view_as_complex(pairs), torch.view_as_complex(rope))
        return torch.to(torch.flatten(torch.view_as_real(y), -2), ops.prim.dtype(x))  # [N, H, L, D/H]
      """;

  /** Row {@code row[n]} of each sequence; with causal attention it sees the rows up to itself. */
  private static final String PICK =
      """

      def at(self, x: Tensor, row: Tensor) -> Tensor:
        return torch.squeeze(self.pick(x, row), 1)  # [N, D]

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

      def at(self, x: Tensor, row: Tensor) -> Tensor:
        return torch.squeeze(self.pick(x, row), 1)  # [N, D]

      def pick(self, x: Tensor, row: Tensor) -> Tensor:
        return torch.slice(x, 1, 0, 1)  # [N, 1, D]
      """;

  private final BlockKind kind;
  private final Parameters declared;
  private final List<LoraPlace> places;
  private final TowerKernels kernels;
  private final NDList parameters;
  private final String prefix;
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
   * @param declared by {@link BlockKind#parameters}
   * @param kernels of {@link BlockKind#source}
   * @param all every parameter of the model
   * @param prefix of this block's names, with the final dot
   */
  ResidualAttentionBlock(
      BlockKind kind,
      Parameters declared,
      TowerKernels kernels,
      Map<String, NDArray> all,
      String prefix) {
    this.kind = kind;
    this.declared = declared;
    places = kind.places(declared, prefix);
    this.kernels = kernels;
    parameters = declared.of(all, prefix);
    this.prefix = prefix;
  }

  static String source(AttentionKind kind, TowerKernels.Use use) {
    boolean prepared = use == TowerKernels.Use.PREPARED;
    boolean biased = kind.relative() != null;
    boolean masked = kind.masked();
    Parameters declared = kind.parameters();
    String blocks = SOURCE + (prepared ? kind.form().prepared : kind.form().residual);
    String source =
        (variants(blocks, kind, declared, prepared)
                + EXPLAINED
                + (kind.rotary() ? TURNED : "")
                + (biased ? kind.relative().source() : "")
                + pick(kind.picksFirst()))
            .replace("{input}", kind.form().input)
            .replace(
                "{context:}",
                (kind.rotary() ? "rope: Tensor, " : "") + (masked ? "seen: Tensor, " : ""))
            .replace("{context}", (kind.rotary() ? "rope, " : "") + (masked ? "seen, " : ""))
            .replace("{turned}", kind.rotary() ? "self.turned(" : "")
            .replace("{/turned}", kind.rotary() ? ", rope)" : "")
            .replace("{M}", Integer.toString(kind.mlpWidth()))
            .replace("{D}", Integer.toString(kind.width()))
            .replace("{2D}", Integer.toString(2 * kind.width()))
            .replace("{3D}", Integer.toString(3 * kind.width()))
            .replace("{H}", Integer.toString(kind.heads()))
            .replace("{d}", Integer.toString(kind.width() / kind.heads()))
            .replace("{d/2}", Integer.toString(kind.width() / kind.heads() / 2))
            .replace("{root}", Double.toString(1 / Math.sqrt(kind.width() / kind.heads())))
            .replace(
                "{seen}",
                masked
                    ? MASKED
                    : kind.causal() ? CAUSAL : biased ? "torch.add(s, self.relative(q, p))" : "s")
            .replace("{eps}", Double.toString(kind.normEpsilon()))
            .replace("{, seen}", masked ? ", seen" : "")
            .replace("{, seen:}", masked ? ", seen: Tensor" : "")
            .replace("{mask}", masked ? "seen" : biased ? "self.relative(q, p)" : "None")
            .replace("{causal}", kind.causal() && !masked ? "True" : "False")
            .replace(
                "{visible}",
                masked
                    ? "torch.slice(seen, 2, 0, 1)"
                    : kind.causal() ? "self.visible(row, L)" : "None")
            .replace(
                "{gelu}",
                use == TowerKernels.Use.TRAIN
                    ? kind.activation().source
                    : kind.activation().inference.inPlace())
            .replace("{scale_1}", kind.lsInitValue() != null ? "torch.mul({ls_1.gamma}, " : "")
            .replace("{scale_2}", kind.lsInitValue() != null ? "torch.mul({ls_2.gamma}, " : "")
            .replace("{/scale}", kind.lsInitValue() != null ? ")" : "")
            .replace("{attended}", attended(use, kind.width()));
    return declared.resolve(source, prepared);
  }

  /** What stands before the operands of attention. */
  static String attended(TowerKernels.Use use, int width) {
    return use == TowerKernels.Use.TRAIN && width >= WIDE ? "" : "self.attended";
  }

  /** The functions {@code at} and {@code pick}, see {@link #PICK}. */
  static String pick(boolean first) {
    return first ? FIRST_PICK : PICK;
  }

  /**
   * The functions of a block, with those of a stack where weights are laid out, and elsewhere those
   * with an adapter.
   */
  static String variants(String blocks, BlockKind kind, Parameters declared, boolean prepared) {
    int laid = declared.laidCount(kind.unprepared(false));
    return plain(blocks)
        + (prepared
            ? STACK.replace("{count}", Integer.toString(laid))
            : adapted(blocks, declared, kind.places(declared, "").size()) + UNPREPARED);
  }

  private static String plain(String blocks) {
    return INPUT
        .matcher(blocks.replace("{as}", "").replace("{rows:}", "").replace("{rows}", ""))
        .replaceAll("")
        .replace("{plus}", "");
  }

  /** The same functions with what an adapter adds; they are named {@code adapted_…}. */
  private static String adapted(String blocks, Parameters declared, int maps) {
    String adapted =
        blocks
            .replace("{as}", "adapted_")
            .replace("{rows:}", "rows: Tensor, ")
            .replace("{rows}", "rows, ")
            .replace("{plus}", "self.plus(");
    return INPUT.matcher("\n" + adapted).replaceAll(", $1, rows, p)")
        + ADAPTED
            .replace("{A}", Integer.toString(declared.count()))
            .replace("{B}", Integer.toString(declared.count() + 3 * maps));
  }

  /**
   * Calls the block's function.
   *
   * @param x [N, L, D]
   * @param context what the functions of the kind take besides
   * @return [N, L, D]
   */
  NDArray forward(Forward pass, NDArray x, NDArray... context) {
    return call(pass, "block", arguments(context, x));
  }

  /**
   * The block's output at one row of each sequence.
   *
   * @param x [N, L, D]
   * @param row [N], int64
   * @return [N, D]
   */
  NDArray forwardAt(Forward pass, NDArray x, NDArray row, NDArray... context) {
    return call(pass, "last_block", arguments(context, x, row));
  }

  /**
   * As {@link #forward}, of {@link Forward#EXPLAIN}.
   *
   * @return the block's output [N, L, D], and the attention that it depends on, [N, H, L, L]
   */
  NDList explain(NDArray x, NDArray... context) {
    return kernels.callForAll(
        Forward.EXPLAIN, "explained_block", with(arguments(context, x), parameters));
  }

  private static NDArray[] arguments(NDArray[] context, NDArray... first) {
    NDArray[] all = Arrays.copyOf(first, first.length + context.length);
    System.arraycopy(context, 0, all, first.length, context.length);
    return all;
  }

  private static Object[] with(NDArray[] arguments, Object... more) {
    Object[] all = Arrays.copyOf(arguments, arguments.length + more.length, Object[].class);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return all;
  }

  private NDArray call(Forward pass, String method, NDArray[] arguments) {
    Prepared now = prepared;
    AppliedAdapter adapter = pass.adapter();
    if (adapter != null && adapter.adds(places)) {
      if (now != null) {
        now.linear.requireKept();
      }
      boolean drops = pass.rows() != null && adapter.drops();
      NDArray rows = drops ? pass.rows() : adapter.noRows;
      NDList adapted = adapter.parameters(places, prefix, parameters);
      return kernels.call(pass, "adapted_" + method, with(arguments, rows, adapted));
    }
    Shape shape = arguments[0].getShape();
    boolean serves =
        now != null
            && now.method.equals(method)
            && now.linear.serves(pass, shape.get(0) * shape.get(1));
    Object[] all = with(arguments, serves ? now.parameters : parameters);
    return serves ? kernels.call(now.linear, method, all) : kernels.call(pass, method, all);
  }

  /**
   * Lays the weights out for inference.
   *
   * @param linear lays them out and owns them; null to go back to the weights as they are
   * @param pooled whether for {@link #forwardAt} instead of {@link #forward}
   * @return what kernels for them take as {@code p}; empty if {@code linear} is null
   */
  NDList prepare(PreparedLinear linear, boolean pooled) {
    prepared =
        linear == null
            ? null
            : new Prepared(
                linear,
                pooled ? "last_block" : "block",
                declared.prepare(linear, parameters, prefix, kind.unprepared(pooled)));
    return prepared == null ? new NDList() : prepared.parameters;
  }
}
