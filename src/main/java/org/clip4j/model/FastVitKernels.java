package org.clip4j.model;

import java.util.Map;

/**
 * What the parts of a {@link FastVit} compute, in TorchScript: with their branches, which are
 * trained; folded, as publishers do it; and how the one becomes the other, in float64, so that it
 * is exact up to the rounding to float32.
 */
final class FastVitKernels {

  /**
   * One part's functions.
   *
   * @param branched named {@code branched_…}; with batch norms, for each of {@link
   *     StagedTower#passes}
   * @param fold the new parameters of the folded part, in the order of their declaration
   * @param folded where everything is folded
   */
  private record Texts(String branched, String fold, String folded) {}

  /** A convolution of 3 x 3 and its scale, a convolution of 1 x 1 of the same stride. */
  private static final Texts STEM =
      new Texts(
          """
          def branched_stem_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.dense(self.neighbours(x, 3, 2), {conv_kxk.0.conv.weight})
            y = self.batch_norm_{pass}(y, {conv_kxk.0.bn.*})
            {scale}z = self.dense(self.neighbours(x, 1, 2), {conv_scale.conv.weight})
            {scale}y = torch.add(y, self.batch_norm_{pass}(z, {conv_scale.bn.*}))
            return {gelu}

          """,
          """
          def fold_{name}(self, one: Tensor, p: List[Tensor]) -> List[Tensor]:
            f = self.scaled({conv_kxk.0.conv.weight}, {conv_kxk.0.bn.*}, 3)
            {scale}f = self.both(f, self.scaled({conv_scale.conv.weight}, {conv_scale.bn.*}, 3))
            return self.single(f)

          """,
          """
          def stem(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.packed_act(self.neighbours(x, 3, 2), {reparam_conv.*})
            return self.grid(self.full(torch.narrow(y, 3, 0, {D})))

          """);

  private static final Texts THIN =
      new Texts(
          """
          def branched_thin_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.depthwise(x, {conv_kxk.0.conv.weight}, None, 2)
            y = self.batch_norm_{pass}(y, {conv_kxk.0.bn.*})
            {scale}z = self.depthwise(x, {conv_scale.conv.weight}, None, 2)
            {scale}y = torch.add(y, self.batch_norm_{pass}(z, {conv_scale.bn.*}))
            return {gelu}

          """,
          STEM.fold,
          """
          def thin(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.depthwise(x, {reparam_conv.*}, 2)
            return {gelu}

          """);

  private static final Texts POINTWISE =
      new Texts(
          """
          def branched_pointwise_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.dense(self.rows(x), {conv_kxk.0.conv.weight})
            y = self.batch_norm_{pass}(y, {conv_kxk.0.bn.*})
            y = torch.add(y, self.batch_norm_{pass}(x, {identity.*}))
            return {gelu}

          """,
          """
          def fold_pointwise(self, one: Tensor, p: List[Tensor]) -> List[Tensor]:
            w = {conv_kxk.0.conv.weight}
            f = self.scaled(w, {conv_kxk.0.bn.*}, 1)
            same = torch.eye(torch.size(w, 0), dtype=6, layout=None, device=ops.prim.device(w), pin_memory=False)
            same = torch.unsqueeze(torch.unsqueeze(same, 2), 3)
            return self.single(self.both(f, self.scaled(same, {identity.*}, 1)))

          """,
          """
          def pointwise(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.packed_act(self.rows(x), {reparam_conv.*})
            return self.grid(self.full(torch.narrow(y, 3, 0, torch.size(x, 1))))

          """);

  /** Two kernels of other sizes, of which the smaller one is folded into the larger. */
  private static final Texts STRIDED =
      new Texts(
          """
          def branched_{name}_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.depthwise(x, {large_conv.conv.weight}, None, 2)
            y = self.batch_norm_{pass}(y, {large_conv.bn.*})
            z = self.depthwise(x, {small_conv.conv.weight}, None, 2)
            y = torch.add(y, self.batch_norm_{pass}(z, {small_conv.bn.*}))
            y = {squeezed}
            return {gelu}

          """,
          """
          def fold_{name}(self, one: Tensor, p: List[Tensor]) -> List[Tensor]:
            f = self.scaled({large_conv.conv.weight}, {large_conv.bn.*}, 7)
            return self.single(self.both(f, self.scaled({small_conv.conv.weight}, {small_conv.bn.*}, 7)))

          """,
          """
          def {name}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.depthwise(x, {reparam_conv.*}, 2)
            y = {squeezed}
            return {gelu}

          """);

  private static final Texts POSITIONS =
      new Texts(
          """
          def branched_positions(self, x: Tensor, p: List[Tensor]) -> Tensor:
            return torch.add(self.depthwise(x, {pos_enc.*}, 1), x)

          """,
          """
          def fold_positions(self, one: Tensor, p: List[Tensor]) -> List[Tensor]:
            w = torch.to({pos_enc.weight}, 7)
            return self.single([torch.add(w, self.centred(self.same({pos_enc.bias}), 7)), {pos_enc.bias}])

          """,
          """
          def positions(self, x: Tensor, p: List[Tensor]) -> Tensor:
            return self.depthwise(x, {reparam_conv.*}, 1)

          """);

  private static final String BRANCHED_MLP =
      """
        y = self.batch_norm_{pass}(self.depthwise(x, {mlp.conv.conv.weight}, None, 1), {mlp.conv.bn.*})
        return self.mlp(x, y, {mlp.fc1.*}, {mlp.fc2.*}, {gamma})

      """;

  private static final String FOLDED_MLP =
      """
        y = self.rows(self.depthwise(self.short(x), {mlp.conv.weight}, {mlp.conv.bias}, 1))
        return self.grid(self.packed_add(self.rows(x), self.packed_act(y, {mlp.fc1.*}), {mlp.fc2.*}))

      """;

  private static final Texts MIXER =
      new Texts(
          """
          def branched_mixer_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.depthwise(x, {token_mixer.mixer.conv_kxk.0.conv.weight}, None, 1)
            y = self.batch_norm_{pass}(y, {token_mixer.mixer.conv_kxk.0.bn.*})
            z = self.depthwise(x, {token_mixer.mixer.conv_scale.conv.weight}, None, 1)
            y = torch.add(y, self.batch_norm_{pass}(z, {token_mixer.mixer.conv_scale.bn.*}))
            y = torch.add(y, self.batch_norm_{pass}(x, {token_mixer.mixer.identity.*}))
            y = torch.sub(y, self.batch_norm_{pass}(x, {token_mixer.norm.identity.*}))
            x = torch.add(x, torch.mul(y, {token_mixer.layer_scale.gamma}))
          """
              + BRANCHED_MLP.replace("{gamma}", "{layer_scale.gamma}"),
          """
          def fold_mixer(self, one: Tensor, p: List[Tensor]) -> List[Tensor]:
            bias = {token_mixer.norm.identity.bias}
            f = self.scaled({token_mixer.mixer.conv_kxk.0.conv.weight}, {token_mixer.mixer.conv_kxk.0.bn.*}, 3)
            f = self.both(f, self.scaled({token_mixer.mixer.conv_scale.conv.weight}, {token_mixer.mixer.conv_scale.bn.*}, 3))
            f = self.both(f, self.scaled(self.same(bias), {token_mixer.mixer.identity.*}, 3))
            n = self.scaled(self.same(bias), {token_mixer.norm.identity.*}, 3)
            g = torch.to({token_mixer.layer_scale.gamma}, 7)
            w = torch.mul(torch.sub(f[0], n[0]), torch.unsqueeze(g, 3))
            b = torch.mul(torch.sub(f[1], n[1]), torch.flatten(g))
            m = self.single([torch.add(w, self.centred(self.same(bias), 3)), b])
            c = self.single(self.scaled({mlp.conv.conv.weight}, {mlp.conv.bn.*}, 7))
            return [m[0], m[1], c[0], c[1]]

          """,
          """
          def mixer(self, x: Tensor, p: List[Tensor]) -> Tensor:
            x = self.depthwise(x, {token_mixer.reparam_conv.*}, 1)
          """
              + FOLDED_MLP);

  private static final String ATTENTION =
      """
        y = torch.flatten({norm}, 1, 2)  # [N, L, D]
        N = torch.size(y, 0)
        qkv = torch.reshape(self.attended({qkv}), [N, torch.size(y, 1), 3, -1, {d}])
        qkv = torch.permute(qkv, [2, 0, 3, 1, 4])  # [3, N, H, L, D/H]
        q = torch.select(qkv, 0, 0)
        a = torch.scaled_dot_product_attention(q, torch.select(qkv, 0, 1), torch.select(qkv, 0, 2), None, 0., False)
        a = torch.reshape(torch.transpose(a, 1, 2), torch.size(self.rows(x)))
      """;

  private static final Texts ATTENDING =
      new Texts(
          """
          def branched_attention_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
          """
              + ATTENTION.replace("{qkv}", "self.matmul(y, torch.t({token_mixer.qkv.weight}))")
              + """
                a = self.full(self.linear(a, {token_mixer.proj.*}))
                x = self.grid(torch.add(self.rows(x), torch.mul(a, torch.flatten({layer_scale_1.gamma}))))
              """
              + BRANCHED_MLP.replace("{gamma}", "{layer_scale_2.gamma}"),
          """
          def fold_{name}(self, one: Tensor, p: List[Tensor]) -> List[Tensor]:
            return self.single(self.scaled({mlp.conv.conv.weight}, {mlp.conv.bn.*}, 7))

          """,
          """
          def attention(self, x: Tensor, p: List[Tensor]) -> Tensor:
          """
              + ATTENTION
                  .replace("{pass}", "evaluate")
                  .replace("{qkv}", "self.packed(y, {token_mixer.qkv.*}, 3 * torch.size(y, 2))")
              + """
                x = self.grid(self.packed_add(self.rows(x), a, {token_mixer.proj.*}))
              """
              + FOLDED_MLP);

  private static final Texts FINAL =
      new Texts(
          """
          def branched_final_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.depthwise(x, {conv_kxk.0.conv.weight}, None, 1)
            y = self.batch_norm_{pass}(y, {conv_kxk.0.bn.*})
            z = self.depthwise(x, {conv_scale.conv.weight}, None, 1)
            y = torch.add(y, self.batch_norm_{pass}(z, {conv_scale.bn.*}))
            y = self.squeezed(y, {se.*})
            return {gelu}

          """,
          STEM.fold.replace("{scale}", ""),
          """
          def final(self, x: Tensor, p: List[Tensor]) -> Tensor:
            y = self.squeezed(self.depthwise(x, {reparam_conv.*}, 1), {se.*})
            return {gelu}

          """);

  private static final Map<String, Texts> KERNELS =
      Map.of(
          "stem", STEM,
          "thin", THIN,
          "pointwise", POINTWISE,
          "strided", STRIDED,
          "squeezing", STRIDED,
          "positions", POSITIONS,
          "mixer", MIXER,
          "attention", ATTENDING,
          "final", FINAL);

  /** What the parts share. */
  private static final String SHARED =
      """
      def neighbours(self, x: Tensor, k: int, stride: int) -> Tensor:
        p = k // 2
        x = torch.constant_pad_nd(x, [p, p, p, p], 0)
        x = torch.unfold(torch.unfold(x, 2, k, stride), 3, k, stride)  # [N, C, h, w, k, k]
        return torch.flatten(torch.permute(x, [0, 2, 3, 1, 4, 5]), 3)

      def dense(self, x: Tensor, w: Tensor) -> Tensor:
        return self.grid(self.full(self.matmul(x, torch.t(torch.flatten(w, 1)))))

      def squeezed(self, x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        y = torch.relu(self.linear(torch.mean(x, [2, 3]), torch.flatten(w1, 1), b1))
        y = torch.sigmoid(self.full(self.linear(y, torch.flatten(w2, 1), b2)))
        return torch.mul(x, torch.unsqueeze(torch.unsqueeze(y, 2), 3))

      def mlp(self, x: Tensor, y: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, gamma: Tensor) -> Tensor:
        y = self.packed_act(self.rows(y), w1, b1)
        y = self.full(self.linear(y, torch.flatten(w2, 1), b2))
        return self.grid(torch.add(self.rows(x), torch.mul(y, torch.flatten(gamma))))

      def same(self, channels: Tensor) -> Tensor:
        return torch.reshape(torch.ones_like(channels), [-1, 1, 1, 1])

      def centred(self, w: Tensor, k: int) -> Tensor:
        p = (k - torch.size(w, 2)) // 2
        return torch.constant_pad_nd(torch.to(w, 7), [p, p, p, p], 0)

      def scaled(self, w: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, count: Tensor, k: int) -> List[Tensor]:
        t = torch.div(torch.to(weight, 7), torch.sqrt(torch.add(torch.to(var, 7), 1.0e-05)))
        return [torch.mul(self.centred(w, k), torch.reshape(t, [-1, 1, 1, 1])), torch.sub(torch.to(bias, 7), torch.mul(torch.to(mean, 7), t))]

      def both(self, a: List[Tensor], b: List[Tensor]) -> List[Tensor]:
        return [torch.add(a[0], b[0]), torch.add(a[1], b[1])]

      def single(self, f: List[Tensor]) -> List[Tensor]:
        return [torch.to(f[0], 6), torch.to(f[1], 6)]

      """;

  private static final String POOL =
      """
      def pool(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.head(torch.mean(x, [2, 3]), p)  # [N, E]
      """;

  private FastVitKernels() {}

  static String shared() {
    return SHARED;
  }

  static String pool(TimmHead head, String gelu) {
    return POOL + head.source(gelu);
  }

  /** The functions of a part with its branches, and the one that folds them. */
  static String branched(FastVitConfig vision, String name, boolean hasBatchNorm, String gelu) {
    Texts texts = KERNELS.get(name);
    String own = written(texts.branched, vision, name, gelu);
    return (hasBatchNorm ? StagedTower.passes(own) : own) + written(texts.fold, vision, name, gelu);
  }

  /** The function of a part where everything is folded. */
  static String folded(FastVitConfig vision, String name, String gelu) {
    return written(KERNELS.get(name).folded, vision, name, gelu);
  }

  /**
   * The functions of a block that a publisher folded, who leaves the batch norms before the MLP and
   * the attention as they are.
   */
  static String published(FastVitConfig vision, String name, String gelu) {
    String own =
        name.equals("mixer")
            ? """
              def mixer_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
                x = self.depthwise(x, {token_mixer.reparam_conv.*}, 1)
              """
                + BRANCHED_MLP.replace("{gamma}", "{layer_scale.gamma}")
            : ATTENDING.branched.replace("branched_", "");
    return StagedTower.passes(written(own, vision, name, gelu))
        + written(ATTENDING.fold, vision, name, gelu);
  }

  private static String written(String text, FastVitConfig vision, String name, String gelu) {
    String norm =
        vision.large()
            ? "torch.layer_norm(self.rows(x), [torch.size({norm.weight}, 0)], {norm.*}, 1.0e-05)"
            : "self.rows(self.batch_norm_{pass}(x, {norm.*}))";
    if (text.startsWith("def attention(")) {
      norm = norm.replace("{pass}", "evaluate");
    }
    return text.replaceAll(vision.large() ? "(?m)^ *\\{scale}.*\n" : "\\{scale}", "")
        .replace("{squeezed}", name.equals("squeezing") ? "self.squeezed(y, {se.*})" : "y")
        .replace("{name}", name)
        .replace("{norm}", norm)
        .replace("{D}", Integer.toString(vision.width()))
        .replace("{d}", Integer.toString(FastVitConfig.HEAD_WIDTH))
        .replace("{gelu}", gelu);
  }
}
