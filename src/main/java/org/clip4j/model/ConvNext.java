package org.clip4j.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.clip4j.engine.internal.DepthwiseKernels;
import org.clip4j.engine.internal.LinearLayout.Operation;
import org.clip4j.model.ParameterSpec.Init;
import org.clip4j.model.StagedTower.Part;

/**
 * The image encoder as a ConvNeXt (Liu et al. 2022, figure 4; timm's {@code ConvNeXt}): patches of
 * 4 x 4 as a stem, blocks of a depthwise convolution of 7 x 7 and an MLP of each position, patches
 * of 2 x 2 between the stages, and the mean of the grid at the end.
 */
final class ConvNext {
  private static final String PREFIX = "visual.trunk.";
  private static final Init WEIGHT = Init.truncated(0.02);
  private static final Init ZERO = Init.constant(0);
  private static final int KERNEL = 7;

  /** timm's initial LayerScale. */
  private static final double SCALE = 1e-6;

  private static final String STEM =
      """
      def stem(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = self.full(self.packed(self.patches(x, 4), {0.weight}, {0.bias}, torch.size({1.bias}, 0)))
        return self.grid(self.norm(y, {1.*}))  # [N, D, h/4, w/4]

      def norm(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.layer_norm(x, [torch.size(w, 0)], w, b, {eps})

      """;

  private static final String DOWNSAMPLE =
      """
      def downsample_{stage}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = self.grid(self.norm(self.rows(x), {0.*}))
        y = self.packed(self.patches(x, 2), {1.weight}, {1.bias}, {outputs})
        return self.grid(self.full(y))  # [N, D of this stage, h/2, w/2]

      """;

  private static final String BLOCK =
      """
      def block(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = self.norm(self.rows(self.depthwise({short}(x), {conv_dw.*}, 1)), {norm.*})
        y = self.packed_act(y, {mlp.fc1.*})
        return self.grid({sum})

      """;

  private static final String SUM =
      "torch.add(self.rows(x), torch.mul(self.linear(y, {mlp.fc2.*}), {gamma}))";
  private static final String PREPARED_SUM = "self.packed_add(self.rows(x), y, {mlp.fc2.*})";

  private static final String POOL =
      """
      def pool(self, x: Tensor, p: List[Tensor]) -> Tensor:
        return self.head(self.norm(torch.mean(x, [2, 3]), {trunk.head.norm.*}), p)  # [N, E]
      """;

  private ConvNext() {}

  /** Declares the tower. */
  static StagedTower.Declaration declare(ClipConfig config, ConvNextConfig vision) {
    Parameters stem =
        new Parameters()
            .linear("0", WEIGHT, ZERO, vision.width(), 3, 4, 4)
            .norm("1", vision.width())
            .lay("0.", Operation.PRODUCT);
    List<Part> parts = new ArrayList<>(List.of(new Part("stem", PREFIX + "stem.", stem, true)));
    List<Parameters> downsamples = new ArrayList<>();
    List<Parameters> blocks = new ArrayList<>();
    for (int stage = 0; stage < vision.layers().size(); stage++) {
      String prefix = PREFIX + "stages." + stage + ".";
      int width = vision.widths().get(stage);
      if (stage > 0) {
        downsamples.add(downsample(vision.widths().get(stage - 1), width));
        parts.add(
            new Part(
                "downsample_" + stage, prefix + "downsample.", downsamples.get(stage - 1), false));
      }
      blocks.add(block(width));
      for (int i = 0; i < vision.layers().get(stage); i++) {
        parts.add(new Part("block", prefix + "blocks." + i + ".", blocks.get(stage), true));
      }
    }
    Parameters pool = new Parameters().norm("trunk.head.norm", vision.features());
    vision.head().addTo(pool, WEIGHT, vision.features(), config.embedDim());
    parts.add(new Part("pool", "visual.", pool, false));
    return new StagedTower.Declaration(
        vision,
        parts,
        use -> {
          boolean packs = use == TowerKernels.Use.PREPARED;
          String head = POOL + vision.head().source(StagedTower.gelu(Activation.GELU, use));
          String first = STEM.replace("{eps}", Double.toString(vision.normEpsilon()));
          return stem.resolve(first, packs)
              + downsamples.get(0).resolve(downsamples(vision), packs)
              + blocks
                  .get(0)
                  .resolve(
                      BLOCK
                          .replace("{sum}", packs ? PREPARED_SUM : SUM)
                          .replace("{short}", use == TowerKernels.Use.TRAIN ? "" : "self.short"),
                      packs)
              + pool.resolve(head, false);
        },
        Activation.GELU,
        new Convolutions(List.of(), convolutions(vision)));
  }

  private static String downsamples(ConvNextConfig vision) {
    return IntStream.range(1, vision.layers().size())
        .mapToObj(
            stage ->
                DOWNSAMPLE
                    .replace("{stage}", Integer.toString(stage))
                    .replace("{outputs}", Integer.toString(vision.widths().get(stage))))
        .collect(Collectors.joining());
  }

  private static Parameters downsample(int in, int out) {
    return new Parameters()
        .norm("0", in)
        .linear("1", WEIGHT, ZERO, out, in, 2, 2)
        .lay("1.", Operation.PRODUCT);
  }

  private static Parameters block(int width) {
    return new Parameters()
        .add("gamma", Init.constant(SCALE), width)
        .linear("conv_dw", WEIGHT, ZERO, width, 1, KERNEL, KERNEL)
        .norm("norm", width)
        .linear("mlp.fc1", WEIGHT, ZERO, 4L * width, width)
        .linear("mlp.fc2", WEIGHT, ZERO, width, 4L * width)
        .lay("mlp.fc1.", Operation.ACTIVATION)
        .lay("mlp.fc2.", Operation.SUM, true, "gamma")
        .follow("norm", "mlp.fc1.");
  }

  /** Lists the depthwise convolutions, one for each stage. */
  private static List<DepthwiseKernels.Shape> convolutions(ConvNextConfig vision) {
    List<DepthwiseKernels.Shape> shapes = new ArrayList<>();
    for (int stage = 0; stage < vision.widths().size(); stage++) {
      int size = vision.imageWidth() >> stage + 2;
      shapes.add(new DepthwiseKernels.Shape(vision.widths().get(stage), KERNEL, size, 1));
    }
    return shapes;
  }
}
