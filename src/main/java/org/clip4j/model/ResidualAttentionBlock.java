package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.LoraOptions.Target;
import org.clip4j.model.ParameterSpec.Init;

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

  /** timm's beginnings of the names. */
  static final Map<String, String> TIMM =
      Map.of(
          "ln_1.", "norm1.",
          "attn.in_proj_", "attn.qkv.",
          "attn.out_proj.", "attn.proj.",
          "ln_2.", "norm2.",
          "mlp.c_fc.", "mlp.fc1.",
          "mlp.c_proj.", "mlp.fc2.",
          "ls_", "ls",
          "attn.query", "attn.q",
          "attn.key", "attn.k",
          "attn.value", "attn.v");

  /** Queries, keys and values of a block are one product; the last block has few queries. */
  private static final Set<String> OF_LAST_BLOCK = Set.of("attn.q_", "attn.kv_");

  private static final Set<String> OF_OTHER_BLOCKS = Set.of("attn.in_proj_");

  /**
   * The last block computes only the one row per image or text that is pooled: all else of its
   * output is never read.
   */
  private static final String SOURCE =
      """
      def {as}block(self, x: Tensor, {rope:}{rows:}p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = {input}
        qkv = torch.reshape({attended}({plus}self.packed(y, {attn.in_proj_*}, {3D}){y, 0, 3}), [N, L, 3, {H}, {d}])
        qkv = torch.permute(qkv, [2, 0, 3, 1, 4])  # [3, N, H, L, D/H]
        q = {turned}torch.select(qkv, 0, 0){/turned}
        k = {turned}torch.select(qkv, 0, 1){/turned}
        v = torch.select(qkv, 0, 2)
        a = torch.scaled_dot_product_attention(q, k, v, None, 0., {causal})
        a = torch.reshape(torch.transpose(a, 1, 2), [N, L, {D}])
        return self.{as}residual(x, a, {rows}p)

      def {as}last_block(self, x: Tensor, row: Tensor, {rope:}{rows:}p: List[Tensor]) -> Tensor:
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
      def explained_block(self, x: Tensor, {rope:}p: List[Tensor]) -> List[Tensor]:
        N = torch.size(x, 0)
        L = torch.size(x, 1)
        y = {input}
        qkv = torch.reshape(self.packed(y, {attn.in_proj_*}, {3D}), [N, L, 3, {H}, {d}])
        qkv = torch.permute(qkv, [2, 0, 3, 1, 4])  # [3, N, H, L, D/H]
        q = {turned}torch.select(qkv, 0, 0){/turned}
        k = {turned}torch.select(qkv, 0, 1){/turned}
        w = self.attention(q, k)
        a = torch.matmul(w, torch.select(qkv, 0, 2))
        a = torch.reshape(torch.transpose(a, 1, 2), [N, L, {D}])
        return [self.residual(x, a, p), w]

      def attention(self, q: Tensor, k: Tensor) -> Tensor:
        s = torch.mul(torch.matmul(q, torch.transpose(k, -2, -1)), {root})
        return torch.softmax({seen}, -1)  # [N, H, queries, keys]

      """;

  /** Keys after the query get no weight. */
  private static final String CAUSAL =
      "torch.masked_fill(s, torch.eq(torch.tril(torch.ones_like(s)), 0), -3e38)";

  /** A whole stack in one call: crossing into native code costs a caption as much as a product. */
  private static final String STACK =
      """
      def stack(self, x: Tensor, {rope:}p: List[Tensor]) -> Tensor:
        for i in range(torch.len(p) // {count}):
          x = self.block(x, {rope}torch.slice(p, i * {count}, (i + 1) * {count}))
        return x

      def stack_at(self, x: Tensor, row: Tensor, {rope:}p: List[Tensor]) -> Tensor:
        before = (torch.len(p) // {count} - 1) * {count}
        x = self.stack(x, {rope}torch.slice(p, 0, before))
        return self.last_block(x, row, {rope}torch.slice(p, before))

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

  /** What the maps to queries, keys and values are in checkpoints. */
  enum Inputs {
    /** One map. */
    JOINED,
    /** One weight without a bias. */
    NO_BIAS,
    /** One weight, with a bias for queries and one for values. */
    NO_KEY_BIAS,
    /** Three maps, that of keys without a bias. */
    SEPARATE
  }

  /**
   * What the blocks of one tower share.
   *
   * @param width D
   * @param mlpWidth hidden width of the MLP
   * @param heads H
   * @param activation of the MLP
   * @param lsInitValue initial value of LayerScale, or null for none
   * @param causal whether a token sees only itself and the ones before it
   * @param picksFirst whether {@link #forwardAt} always takes the first row
   * @param normEpsilon of every LayerNorm
   * @param published a publisher's beginnings of names, see {@link Parameters}
   * @param starts initial values
   * @param form in which its parts follow one another
   * @param inputs of attention
   * @param rotary whether queries and keys are turned by positions; a class token, which alone is
   *     picked then, has no position
   */
  record Kind(
      int width,
      int mlpWidth,
      int heads,
      Activation activation,
      Double lsInitValue,
      boolean causal,
      boolean picksFirst,
      double normEpsilon,
      Map<String, String> published,
      Starts starts,
      BlockForm form,
      Inputs inputs,
      boolean rotary)
      implements BlockKind {

    static Kind of(TextTransformerConfig config, boolean quickGelu) {
      return new Kind(
          config.width(),
          config.mlpWidth(),
          config.heads(),
          Activation.of(config.tanhGelu(), quickGelu),
          config.lsInitValue(),
          config.causal(),
          false,
          config.normEpsilon(),
          Map.of(),
          Starts.openAi(config.width(), config.mlpWidth(), config.layers()),
          BlockForm.PRE_NORM,
          Inputs.JOINED,
          false);
    }

    static Kind of(
        VisionTransformerConfig config,
        Activation activation,
        Map<String, String> published,
        Starts starts) {
      return new Kind(
          config.width(),
          config.mlpWidth(),
          config.heads(),
          activation,
          config.lsInitValue(),
          false,
          true,
          config.normEpsilon(),
          published,
          starts,
          BlockForm.PRE_NORM,
          Inputs.JOINED,
          false);
    }

    /** Gives the same in another form. */
    Kind in(BlockForm other, Inputs otherInputs, boolean otherRotary) {
      return new Kind(
          width,
          mlpWidth,
          heads,
          activation,
          lsInitValue,
          causal,
          picksFirst,
          normEpsilon,
          published,
          starts,
          other,
          otherInputs,
          otherRotary);
    }

    /** Gives the same with other initial values. */
    Kind from(Starts other) {
      return new Kind(
          width,
          mlpWidth,
          heads,
          activation,
          lsInitValue,
          causal,
          picksFirst,
          normEpsilon,
          published,
          other,
          form,
          inputs,
          rotary);
    }

    @Override
    public Parameters parameters() {
      return ResidualAttentionBlock.parameters(this);
    }

    @Override
    public List<LoraPlace> places(Parameters declared, String prefix) {
      return ResidualAttentionBlock.places(this, declared, prefix);
    }

    @Override
    public String source(TowerKernels.Use use) {
      return ResidualAttentionBlock.source(this, use);
    }

    @Override
    public boolean stacks() {
      return true;
    }

    @Override
    public Set<String> unprepared(boolean pooled) {
      return pooled ? OF_OTHER_BLOCKS : OF_LAST_BLOCK;
    }
  }

  /** Initial values of a block's linear maps; the biases of attention start as 0. */
  record Starts(Init inProj, Init outProj, Init fc, Init fcBias, Init proj, Init projBias) {

    /** Gives PyTorch's own, which OpenCLIP keeps for images. */
    static Starts pyTorch(int width, int mlpWidth) {
      Init wide = Parameters.uniformOf(width);
      Init hidden = Parameters.uniformOf(mlpWidth);
      Init xavier = Parameters.uniform(Math.sqrt(6.0 / (4 * width)));
      return new Starts(xavier, wide, wide, wide, hidden, hidden);
    }

    /** Gives OpenAI's for texts, where the weights that end a branch are scaled by the depth. */
    static Starts openAi(int width, int mlpWidth, int layers) {
      Init proj = Parameters.normal(Math.pow(width, -0.5) * Math.pow(2.0 * layers, -0.5));
      return new Starts(
          Parameters.normal(Math.pow(width, -0.5)),
          proj,
          Parameters.normal(Math.pow(2.0 * width, -0.5)),
          Parameters.uniformOf(width),
          proj,
          Parameters.uniformOf(mlpWidth));
    }

    static Starts timm() {
      Init weight = Parameters.normal(0.02);
      Init bias = Parameters.constant(0);
      return new Starts(weight, weight, weight, bias, weight, bias);
    }

    /** Gives EVA's, where the weights that end a branch are divided by the depth so far. */
    static Starts eva(int block) {
      Starts timm = timm();
      Init end = Parameters.normal(0.02 / Math.sqrt(2.0 * (block + 1)));
      return new Starts(timm.inProj, end, timm.fc, timm.fcBias, end, timm.projBias);
    }
  }

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

  private static Parameters parameters(Kind kind) {
    Parameters all = new Parameters(kind.published);
    if (kind.form == BlockForm.RES_POST_NORM) {
      attention(kind, all);
      all.norm("ln_1", kind.width);
      mlp(kind, all);
      all.norm("ln_2", kind.width);
    } else {
      all.norm("ln_1", kind.width);
      attention(kind, all);
      all.layerScale("ls_1", kind.lsInitValue, kind.width).norm("ln_2", kind.width);
      mlp(kind, all);
      all.layerScale("ls_2", kind.lsInitValue, kind.width);
    }
    return lay(kind, all);
  }

  private static void attention(Kind kind, Parameters all) {
    long width = kind.width;
    Init weight = kind.starts.inProj;
    Init zero = Parameters.constant(0);
    switch (kind.inputs) {
      case JOINED ->
          all.add("attn.in_proj_weight", weight, 3 * width, width)
              .add("attn.in_proj_bias", zero, 3 * width);
      case NO_BIAS ->
          all.add("attn.in_proj_weight", weight, 3 * width, width).unbiased("attn.in_proj_");
      case NO_KEY_BIAS ->
          all.add("attn.query_bias", zero, width)
              .add("attn.value_bias", zero, width)
              .add("attn.in_proj_weight", weight, 3 * width, width)
              .join("attn.in_proj_bias", "attn.query_bias", "", "attn.value_bias");
      case SEPARATE ->
          all.linear("attn.query_proj", weight, zero, width, width)
              .add("attn.key_proj.weight", weight, width, width)
              .linear("attn.value_proj", weight, zero, width, width)
              .join(
                  "attn.in_proj_weight",
                  "attn.query_proj.weight",
                  "attn.key_proj.weight",
                  "attn.value_proj.weight")
              .join("attn.in_proj_bias", "attn.query_proj.bias", "", "attn.value_proj.bias");
    }
    if (kind.form == BlockForm.SUB_NORM) {
      all.norm("attn.norm", width);
    }
    all.linear("attn.out_proj", kind.starts.outProj, zero, width, width);
  }

  private static void mlp(Kind kind, Parameters all) {
    long width = kind.width;
    Starts starts = kind.starts;
    if (kind.form == BlockForm.SUB_NORM) {
      all.linear("mlp.fc1_g", starts.fc, starts.fcBias, kind.mlpWidth, width)
          .linear("mlp.fc1_x", starts.fc, starts.fcBias, kind.mlpWidth, width)
          .norm("mlp.norm", kind.mlpWidth);
    } else {
      all.linear("mlp.c_fc", starts.fc, starts.fcBias, kind.mlpWidth, width);
    }
    all.linear("mlp.c_proj", starts.proj, starts.projBias, width, kind.mlpWidth);
  }

  private static Parameters lay(Kind kind, Parameters all) {
    long width = kind.width;
    all.lay("attn.in_proj_", Operation.PRODUCT);
    switch (kind.form) {
      case PRE_NORM ->
          all.lay("attn.out_proj.", Operation.SUM, false, "ls_1.gamma")
              .lay("mlp.c_fc.", Operation.ACTIVATION)
              .lay("mlp.c_proj.", Operation.SUM, true, "ls_2.gamma")
              .follow("ln_1", "attn.in_proj_", "attn.kv_", "attn.q_")
              .follow("ln_2", "mlp.c_fc.");
      case SUB_NORM ->
          all.lay("attn.out_proj.", Operation.SUM)
              .lay("mlp.fc1_g.", Operation.ACTIVATION)
              .lay("mlp.fc1_x.", Operation.PRODUCT)
              .lay("mlp.c_proj.", Operation.SUM)
              .follow("ln_1", "attn.in_proj_", "attn.kv_", "attn.q_")
              .follow("attn.norm", "attn.out_proj.")
              .follow("ln_2", "mlp.fc1_g.", "mlp.fc1_x.")
              .follow("mlp.norm", "mlp.c_proj.");
      case RES_POST_NORM ->
          all.lay("attn.out_proj.", Operation.PRODUCT)
              .lay("mlp.c_fc.", Operation.ACTIVATION)
              .lay("mlp.c_proj.", Operation.PRODUCT, true, "");
    }
    return all.layRows("attn.kv_", "attn.in_proj_", width, 3 * width)
        .layRows("attn.q_", "attn.in_proj_", 0, width);
  }

  /**
   * A block's maps in the order in which kernels number them; those of one input are neighbours.
   */
  private static List<LoraPlace> places(Kind kind, Parameters declared, String prefix) {
    int width = kind.width;
    int hidden = kind.mlpWidth;
    boolean separate = kind.inputs == Inputs.SEPARATE;
    String query = separate ? "attn.query_proj." : "attn.in_proj_";
    String key = separate ? "attn.key_proj." : "attn.in_proj_";
    String value = separate ? "attn.value_proj." : "attn.in_proj_";
    record Map(Target target, String name, long from, long outputs, long inputs) {}
    Stream<Map> hiddenMaps =
        kind.form == BlockForm.SUB_NORM
            ? Stream.of("mlp.fc1_g.", "mlp.fc1_x.")
                .map(name -> new Map(Target.MLP_HIDDEN, name, 0, hidden, width))
            : Stream.of(new Map(Target.MLP_HIDDEN, "mlp.c_fc.", 0, hidden, width));
    return Stream.of(
            Stream.of(
                new Map(Target.QUERY, query, 0, width, width),
                new Map(Target.KEY, key, separate ? 0 : width, width, width),
                new Map(Target.VALUE, value, separate ? 0 : 2L * width, width, width),
                new Map(Target.ATTENTION_OUTPUT, "attn.out_proj.", 0, width, width)),
            hiddenMaps,
            Stream.of(new Map(Target.MLP_OUTPUT, "mlp.c_proj.", 0, width, hidden)))
        .flatMap(maps -> maps)
        .map(
            map ->
                new LoraPlace(
                    map.target,
                    prefix + declared.stored(map.name + "weight"),
                    map.from,
                    map.outputs,
                    map.inputs))
        .toList();
  }

  private static String source(Kind kind, TowerKernels.Use use) {
    boolean prepared = use == TowerKernels.Use.PREPARED;
    Parameters declared = parameters(kind);
    String blocks = SOURCE + (prepared ? kind.form.prepared : kind.form.residual);
    String source =
        (plain(blocks)
                + (prepared
                    ? STACK.replace("{count}", Integer.toString(declared.laidCount(OF_LAST_BLOCK)))
                    : adapted(blocks, declared, places(kind, declared, "").size()) + UNPREPARED)
                + EXPLAINED
                + (kind.rotary ? TURNED : "")
                + (kind.picksFirst ? FIRST_PICK : PICK))
            .replace("{input}", kind.form.input)
            .replace("{rope:}", kind.rotary ? "rope: Tensor, " : "")
            .replace("{rope}", kind.rotary ? "rope, " : "")
            .replace("{turned}", kind.rotary ? "self.turned(" : "")
            .replace("{/turned}", kind.rotary ? ", rope)" : "")
            .replace("{M}", Integer.toString(kind.mlpWidth))
            .replace("{D}", Integer.toString(kind.width))
            .replace("{2D}", Integer.toString(2 * kind.width))
            .replace("{3D}", Integer.toString(3 * kind.width))
            .replace("{H}", Integer.toString(kind.heads))
            .replace("{d}", Integer.toString(kind.width / kind.heads))
            .replace("{d/2}", Integer.toString(kind.width / kind.heads / 2))
            .replace("{root}", Double.toString(1 / Math.sqrt(kind.width / kind.heads)))
            .replace("{seen}", kind.causal ? CAUSAL : "s")
            .replace("{eps}", Double.toString(kind.normEpsilon))
            .replace("{causal}", kind.causal ? "True" : "False")
            .replace("{visible}", kind.causal ? "self.visible(row, L)" : "None")
            .replace(
                "{gelu}",
                use == TowerKernels.Use.TRAIN
                    ? kind.activation.source
                    : kind.activation.inference.inPlace())
            .replace("{scale_1}", kind.lsInitValue != null ? "torch.mul({ls_1.gamma}, " : "")
            .replace("{scale_2}", kind.lsInitValue != null ? "torch.mul({ls_2.gamma}, " : "")
            .replace("{/scale}", kind.lsInitValue != null ? ")" : "")
            .replace(
                "{attended}",
                use == TowerKernels.Use.TRAIN && kind.width >= WIDE ? "" : "self.attended");
    return declared.resolve(source, prepared);
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
