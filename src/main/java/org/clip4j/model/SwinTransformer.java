package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ParameterSpec.Init;
import org.clip4j.model.StagedTower.Part;

/**
 * The image encoder as a Swin Transformer (Liu et al. 2021, figure 3; timm's {@code
 * SwinTransformer}): patches of 4 x 4 as a stem, residual blocks whose attention stays within
 * windows, shifted in every second block, patches of 2 x 2 between the stages, and the mean of the
 * grid at the end.
 */
final class SwinTransformer {
  private static final String PREFIX = "visual.trunk.";
  private static final Init WEIGHT = Init.truncated(0.02);
  private static final Init ZERO = Init.constant(0);

  private static final String STEM =
      """
      def stem(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = self.full(self.packed(self.patches(x, 4), {proj.weight}, {proj.bias}, torch.size({norm.bias}, 0)))
        return self.grid(self.norm(y, {norm.*}))  # [N, D, h/4, w/4]

      def norm(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.layer_norm(x, [torch.size(w, 0)], w, b, 1.0e-05)

      """;

  private static final String DOWNSAMPLE =
      """
      def downsample_{stage}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        h = torch.size(x, 2) // 2
        w = torch.size(x, 3) // 2
        x = torch.reshape(self.rows(x), [torch.size(x, 0), h, 2, w, 2, -1])
        x = torch.flatten(torch.permute(x, [0, 1, 3, 4, 2, 5]), 3)
        y = self.packed(self.norm(x, {norm.*}), {reduction.weight}, {reduction.bias}, {D})
        return self.grid(self.full(y))  # [N, D of this stage, h/2, w/2]

      """;

  /** The windows of an image are as heads more, so that one mask serves every image. */
  private static final String BLOCK =
      """
      def {name}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = self.rows(x)  # [N, h, w, D]
        N = torch.size(x, 0)
        h = torch.size(x, 1)
        w = torch.size(x, 2)
        D = torch.size(x, 3)
        H = torch.size({attn.relative_position_bias_table}, 1)
        y = {shift}self.norm(x, {norm1.*}){/shift}
        qkv = self.attended(self.packed(self.windows(y), {attn.qkv.weight}, {attn.qkv.bias}, 3 * D))
        qkv = torch.reshape(qkv, [N, -1, {W} * {W}, 3, H, D // H])
        qkv = torch.flatten(torch.permute(qkv, [3, 0, 1, 4, 2, 5]), 2, 3)  # [3, N, windows H, L, D/H]
        q = torch.select(qkv, 0, 0)
        bias = self.relative({attn.relative_position_bias_table})  # [1, H, L, L]
        bias = torch.flatten({mask}, 0, 1)  # [windows H, L, L]
        bias = torch.to(torch.unsqueeze(bias, 0), ops.prim.dtype(q))
        a = torch.scaled_dot_product_attention(q, torch.select(qkv, 0, 1), torch.select(qkv, 0, 2), bias, 0., False)
        a = torch.reshape(a, [N, h // {W}, w // {W}, H, {W}, {W}, D // H])
        a = torch.reshape(torch.permute(a, [0, 1, 4, 2, 5, 3, 6]), [N, h, w, D])
        x = self.packed_add(x, {back}a{/shift}, {attn.proj.*})
        y = self.packed_act(self.norm(x, {norm2.*}), {mlp.fc1.*})
        return self.grid(self.packed_add(x, y, {mlp.fc2.*}))

      """;

  private static final String WINDOWS =
      """
      def windows(self, x: Tensor) -> Tensor:
        h = torch.size(x, 1) // {W}
        w = torch.size(x, 2) // {W}
        x = torch.reshape(x, [torch.size(x, 0), h, {W}, w, {W}, -1])
        x = torch.permute(x, [0, 1, 3, 2, 4, 5])
        return torch.reshape(x, [torch.size(x, 0) * h * w, {W} * {W}, -1])  # [N windows, L, D]

      def relative(self, table: Tensor) -> Tensor:
        at = self.count(table, {W})
        rows = torch.flatten(torch.expand(torch.unsqueeze(at, 1), [{W}, {W}]))
        columns = torch.flatten(torch.expand(torch.unsqueeze(at, 0), [{W}, {W}]))
        rows = torch.add(torch.sub(torch.unsqueeze(rows, 1), rows), {W} - 1)
        columns = torch.add(torch.sub(torch.unsqueeze(columns, 1), columns), {W} - 1)
        index = torch.flatten(torch.add(torch.mul(rows, 2 * {W} - 1), columns))
        bias = torch.reshape(torch.index_select(table, 0, index), [{W} * {W}, {W} * {W}, -1])
        return torch.unsqueeze(torch.permute(bias, [2, 0, 1]), 0)

      def apart(self, table: Tensor, h: int, w: int) -> Tensor:
        part = torch.mul(torch.unsqueeze(self.third(table, h), 1), 3)
        part = torch.add(part, self.third(table, w))  # of a shifted grid, [h, w]
        part = torch.squeeze(self.windows(torch.reshape(part, [1, h, w, 1])), -1)
        apart = torch.ne(torch.unsqueeze(part, 1), torch.unsqueeze(part, 2))
        return torch.unsqueeze(torch.mul(torch.to(apart, 6), -100.), 1)  # [windows, 1, L, L]

      def third(self, table: Tensor, size: int) -> Tensor:
        at = self.count(table, size)
        return torch.add(torch.to(torch.ge(at, size - {W}), 4), torch.to(torch.ge(at, size - {W} // 2), 4))

      def count(self, like: Tensor, size: int) -> Tensor:
        return torch.arange(size, dtype=4, layout=None, device=ops.prim.device(like), pin_memory=False)

      """;

  private static final String POOL =
      """
      def pool(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = self.norm(self.rows(x), {trunk.norm.*})
        return self.head(torch.mean(x, [1, 2]), p)  # [N, E]
      """;

  private SwinTransformer() {}

  /** Declares the tower. */
  static StagedTower.Declaration declare(ClipConfig config, SwinConfig vision) {
    Init conv = Init.uniformOf(3.0 * SwinConfig.PATCH * SwinConfig.PATCH);
    Parameters stem =
        new Parameters()
            .linear("proj", conv, conv, vision.width(), 3, SwinConfig.PATCH, SwinConfig.PATCH)
            .norm("norm", vision.width())
            .lay("proj.", Operation.PRODUCT);
    List<Part> parts =
        new ArrayList<>(List.of(new Part("stem", PREFIX + "patch_embed.", stem, true)));
    List<Parameters> blocks = new ArrayList<>();
    for (int stage = 0; stage < vision.layers().size(); stage++) {
      String prefix = PREFIX + "layers." + stage + ".";
      if (stage > 0) {
        Parameters halving = downsample(vision.width(stage));
        parts.add(new Part("downsample_" + stage, prefix + "downsample.", halving, false));
      }
      blocks.add(block(vision, stage));
      for (int i = 0; i < vision.layers().get(stage); i++) {
        String kernel = vision.isShifted(stage, i) ? "shifted_block" : "block";
        parts.add(new Part(kernel, prefix + "blocks." + i + ".", blocks.get(stage), true));
      }
    }
    Parameters pool = new Parameters().norm("trunk.norm", vision.features());
    vision.head().addTo(pool, WEIGHT, vision.features(), config.embedDim());
    parts.add(new Part("pool", "visual.", pool, false));
    return new StagedTower.Declaration(
        vision,
        parts,
        use -> {
          boolean packs = use == TowerKernels.Use.PREPARED;
          String head = POOL + vision.head().source(StagedTower.gelu(Activation.GELU, use));
          return stem.resolve(STEM, packs)
              + downsample(vision.width(1)).resolve(downsamples(vision), packs)
              + blocks.get(0).resolve(blocks(vision), packs)
              + pool.resolve(head, false);
        },
        Activation.GELU,
        Convolutions.NONE);
  }

  private static Parameters downsample(int width) {
    return new Parameters()
        .norm("norm", 2L * width)
        .add("reduction.weight", WEIGHT, width, 2L * width)
        .unbiased("reduction.")
        .lay("reduction.", Operation.PRODUCT)
        .follow("norm", "reduction.");
  }

  private static Parameters block(SwinConfig vision, int stage) {
    int width = vision.width(stage);
    long places = (2L * vision.window() - 1) * (2L * vision.window() - 1);
    return new Parameters()
        .norm("norm1", width)
        .add("attn.relative_position_bias_table", WEIGHT, places, vision.heads().get(stage))
        .linear("attn.qkv", WEIGHT, ZERO, 3L * width, width)
        .linear("attn.proj", WEIGHT, ZERO, width, width)
        .norm("norm2", width)
        .linear("mlp.fc1", WEIGHT, ZERO, 4L * width, width)
        .linear("mlp.fc2", WEIGHT, ZERO, width, 4L * width)
        .lay("attn.qkv.", Operation.PRODUCT)
        .lay("attn.proj.", Operation.SUM)
        .lay("mlp.fc1.", Operation.ACTIVATION)
        .lay("mlp.fc2.", Operation.SUM, true, "")
        .follow("norm1", "attn.qkv.")
        .follow("norm2", "mlp.fc1.");
  }

  private static String downsamples(SwinConfig vision) {
    return IntStream.range(1, vision.layers().size())
        .mapToObj(
            stage ->
                DOWNSAMPLE
                    .replace("{stage}", Integer.toString(stage))
                    .replace("{D}", Integer.toString(vision.width(stage))))
        .collect(Collectors.joining());
  }

  /** The block, and the same of windows that are shifted by half of one. */
  private static String blocks(SwinConfig vision) {
    String plain =
        BLOCK
            .replace("{name}", "block")
            .replace("{shift}", "")
            .replace("{back}", "")
            .replace("{/shift}", "")
            .replace("{mask}", "torch.expand(bias, [(h // {W}) * (w // {W}), -1, -1, -1])");
    String shifted =
        BLOCK
            .replace("{name}", "shifted_block")
            .replace("{shift}", "torch.roll(")
            .replace("{back}", "torch.roll(a, [{W} // 2, {W} // 2], [1, 2])")
            .replace("a{/shift}", "")
            .replace("{/shift}", ", [-({W} // 2), -({W} // 2)], [1, 2])")
            .replace(
                "{mask}", "torch.add(bias, self.apart({attn.relative_position_bias_table}, h, w))");
    return (plain + shifted + WINDOWS).replace("{W}", Integer.toString(vision.window()));
  }
}
