package org.clip4j.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.internal.ConvolutionKernels;
import org.clip4j.engine.internal.DepthwiseKernels;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.AttentionKind.Inputs;
import org.clip4j.model.ImageDeclaration.Positions;
import org.clip4j.model.ParameterSpec.Init;

/**
 * The image encoder as a ViTamin (Chen et al. 2024, figure 4; timm's {@code vitamin_…}): a stem of
 * two convolutions, two stages of inverted bottlenecks (MBConv with LayerNorms), a strided
 * convolution, residual attention blocks over its grid with a gated MLP, and the LayerNorm of their
 * mean.
 */
final class ViTamin {
  private static final String PREFIX = "visual.";
  private static final String BLOCKS = "trunk.blocks.";
  private static final String STEM = "trunk.patch_embed.backbone.";

  /** Inverted bottlenecks of each stage, of which the first halves the grid. */
  private static final List<Integer> BOTTLENECKS = List.of(2, 4);

  /** Channels within a bottleneck over those that it gives. */
  private static final int EXPANSION = 4;

  private static final Init ZERO = Init.constant(0);

  private static final Map<String, String> PUBLISHED = new HashMap<>(AttentionKind.TIMM);

  static {
    PUBLISHED.putAll(
        Map.of("mlp.fc1_g.", "mlp.w0.", "mlp.fc1_x.", "mlp.w1.", "mlp.c_proj.", "mlp.w2."));
  }

  private static final String SOURCE =
      """
      def embed(self, pixels: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.flatten(self.stem(pixels, p), 1, 2)
        return {placed}  # [N, L, D]

      def embed_kept(self, pixels: Tensor, kept: Tensor, p: List[Tensor]) -> Tensor:
        index = torch.expand(torch.unsqueeze(kept, 2), [-1, -1, {D}])
        return torch.gather(self.embed(pixels, p), 1, index)  # [N, K, D]

      def stem(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = self.normed(self.convolved(x, {stem.conv1.*}, 2), {stem.norm1.*})
        x = self.convolved(self.grid({gelu}), {stem.conv2.*}, 1)  # [N, h/2, w/2, C]
      {bottlenecks}  x = self.grid(self.normed(x, {pool.norm.*}))
        return self.convolved(x, {pool.proj.*}, 2)  # [N, h/16, w/16, D]

      def project(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.layer_norm(torch.mean(x, [1]), [{D}], {trunk.fc_norm.*}, {eps})
        return self.full(self.matmul(x, torch.t({head.proj.weight})))  # [N, E]

      """;

  /** Between two functions a grid is [N, h, w, C]. */
  private static final String SHARED =
      """
      def grid(self, x: Tensor) -> Tensor:
        return torch.permute(x, [0, 3, 1, 2])  # [N, C, h, w]

      def channels_last(self, x: Tensor) -> Tensor:
        return torch.contiguous(torch.permute(x, [0, 2, 3, 1]))  # [N, h, w, C]

      def normed(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.layer_norm(x, [torch.size(w, 0)], w, b, {eps})

      def convolved(self, x: Tensor, w: Tensor, b: Tensor, stride: int) -> Tensor:
        y = self.full(self.conv2d(torch.contiguous(x), w, stride))
        return torch.add(self.channels_last(y), b)

      def bottleneck(self, x: Tensor, s: Tensor, stride: int, w: Tensor, b: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, w3: Tensor, b3: Tensor) -> Tensor:
        y = self.widened(self.normed(x, w, b), w1, b1, torch.size(w2, 0))
        y = self.channels_last(self.depthwise(self.grid({short}(y)), w2, b2, stride))
        y = {gelu}
        return self.narrowed(s, y, w3, b3)

      def pooled(self, x: Tensor) -> Tensor:
        return self.channels_last(torch.avg_pool2d(self.grid(x), [3, 3], [2, 2], [1, 1], False, False))

      """;

  private static final String UNPREPARED =
      """
      def mapped(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return self.full(self.linear(x, torch.flatten(w, 1), b))

      def widened(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        y = self.linear(x, torch.flatten(w, 1), b)
        return {gelu}

      def narrowed(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.add(x, self.linear(y, torch.flatten(w, 1), b))

      """;

  private static final String PREPARED =
      """
      def mapped(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return self.full(self.packed(x, w, b, 2 * torch.size(x, 3)))

      def widened(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        return torch.narrow(self.packed_act(x, w, b), -1, 0, outputs)

      def narrowed(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return self.packed_add(x, y, w, b)

      """;

  private ViTamin() {}

  /** Declares the tower. */
  static PatchTower.Declaration declare(ClipConfig config, ViTaminConfig vision) {
    AttentionKind kind =
        AttentionKind.of(vision, Activation.GELU, PUBLISHED, BlockStarts.timm())
            .in(BlockForm.GATED, Inputs.JOINED, false);
    Parameters parameters = parameters(vision, kind, config.embedDim());
    return new PatchTower.Declaration(
        vision,
        PREFIX,
        BLOCKS,
        parameters,
        kind,
        vision.positions() ? new Positions("trunk.pos_embed", 0) : null,
        null,
        PatchTower.Pooling.MEAN,
        use -> source(vision, parameters, use),
        convolutions(vision));
  }

  /** Gives the channels of a stage. */
  private static int width(ViTaminConfig vision, int stage) {
    return vision.stemWidth() << stage;
  }

  private static Parameters parameters(ViTaminConfig vision, AttentionKind kind, int embedDim) {
    int width = vision.width();
    int stem = vision.stemWidth();
    int last = width(vision, 1);
    Init weight = Init.normal(0.02);
    Init pool = Init.uniformOf(9.0 * last);
    Map<String, String> published = new HashMap<>();
    for (String name : List.of("stem.", "stages.", "pool.")) {
      published.put(name, STEM + name);
    }
    Parameters parameters = new Parameters(published);
    if (vision.positions()) {
      parameters.add("trunk.pos_embed", weight, 1, vision.patches(), width);
    }
    parameters
        .linear("stem.conv1", fanOut(9 * stem), ZERO, stem, 3, 3, 3)
        .norm("stem.norm1", stem)
        .linear("stem.conv2", fanOut(9 * stem), ZERO, stem, stem, 3, 3);
    for (int stage = 0; stage < BOTTLENECKS.size(); stage++) {
      for (int i = 0; i < BOTTLENECKS.get(stage); i++) {
        int in = width(vision, i > 0 || stage == 0 ? stage : stage - 1);
        addBottleneck(parameters, "stages." + stage + "." + i + ".", in, width(vision, stage));
      }
    }
    return layBottlenecks(
        parameters
            .linear("pool.proj", pool, pool, width, last, 3, 3)
            .norm("pool.norm", last)
            .blocks(BLOCKS, kind.parameters(), vision.layers())
            .norm("trunk.fc_norm", width)
            .add("head.proj.weight", Init.uniformOf(width), embedDim, width));
  }

  private static Init fanOut(int outputs) {
    return Init.normal(Math.sqrt(2.0 / outputs));
  }

  private static void addBottleneck(Parameters parameters, String name, int in, int out) {
    int hidden = EXPANSION * out;
    if (in != out) {
      parameters.linear(name + "shortcut.expand", fanOut(out), ZERO, out, in, 1, 1);
    }
    parameters
        .norm(name + "pre_norm", in)
        .linear(name + "conv1_1x1", fanOut(hidden), ZERO, hidden, in, 1, 1)
        .linear(name + "conv2_kxk", fanOut(9), ZERO, hidden, 1, 3, 3)
        .linear(name + "conv3_1x1", fanOut(out), ZERO, out, hidden, 1, 1);
  }

  private static Parameters layBottlenecks(Parameters parameters) {
    parameters.lay("stages.1.0.shortcut.expand.", Operation.PRODUCT);
    for (int stage = 0; stage < BOTTLENECKS.size(); stage++) {
      for (int i = 0; i < BOTTLENECKS.get(stage); i++) {
        String name = "stages." + stage + "." + i + ".";
        parameters
            .lay(name + "conv1_1x1.", Operation.ACTIVATION)
            .lay(name + "conv3_1x1.", Operation.SUM)
            .follow(name + "pre_norm", name + "conv1_1x1.");
      }
    }
    return parameters;
  }

  private static String source(ViTaminConfig vision, Parameters parameters, TowerKernels.Use use) {
    boolean packs = use == TowerKernels.Use.PREPARED;
    return parameters.resolve(
        (SOURCE + SHARED + (packs ? PREPARED : UNPREPARED))
            .replace("{bottlenecks}", bottlenecks())
            .replace("{short}", use == TowerKernels.Use.TRAIN ? "self.full" : "self.short")
            .replace("{placed}", vision.positions() ? "torch.add(x, {trunk.pos_embed})" : "x")
            .replace("{gelu}", StagedTower.gelu(Activation.GELU, use))
            .replace("{D}", Integer.toString(vision.width()))
            .replace("{eps}", Double.toString(vision.normEpsilon())),
        packs);
  }

  /** Only the first of a stage has a shortcut that is not what goes in. */
  private static String bottlenecks() {
    StringBuilder lines = new StringBuilder();
    for (int stage = 0; stage < BOTTLENECKS.size(); stage++) {
      for (int i = 0; i < BOTTLENECKS.get(stage); i++) {
        String name = "stages." + stage + "." + i + ".";
        String shortcut = i > 0 ? "x" : "self.pooled(x)";
        if (i == 0 && stage > 0) {
          shortcut = "self.mapped(" + shortcut + ", {" + name + "shortcut.expand.*})";
        }
        lines.append("  x = self.bottleneck(x, ").append(shortcut).append(i > 0 ? ", 1" : ", 2");
        for (String part : List.of("pre_norm", "conv1_1x1", "conv2_kxk", "conv3_1x1")) {
          lines.append(", {").append(name).append(part).append(".*}");
        }
        lines.append(")\n");
      }
    }
    return lines.toString();
  }

  private static Convolutions convolutions(ViTaminConfig vision) {
    int size = vision.imageWidth() / 2;
    int stem = vision.stemWidth();
    List<DepthwiseKernels.Shape> depthwise = new ArrayList<>();
    for (int stage = 0; stage < BOTTLENECKS.size(); stage++) {
      int hidden = EXPANSION * width(vision, stage);
      depthwise.add(new DepthwiseKernels.Shape(hidden, 3, size >> stage, 2));
      depthwise.add(new DepthwiseKernels.Shape(hidden, 3, size >> stage + 1, 1));
    }
    return new Convolutions(List.of(new ConvolutionKernels.Shape(stem, stem, size)), depthwise);
  }
}
