package org.clip4j.model;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.clip4j.engine.internal.ConvolutionKernels.Shape;
import org.clip4j.model.ParameterSpec.Init;
import org.clip4j.model.StagedTower.Part;

/**
 * The image encoder as a residual network (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * ModifiedResNet}): a stem of three convolutions, average pooling before every strided convolution,
 * and attention pooling, whose query is the mean of the grid, at the end.
 */
final class ModifiedResNet {
  private static final String PREFIX = "visual.";

  /** For each of {@link StagedTower#passes}. */
  private static final String STEM =
      """
      def stem_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.relu(self.conv_{pass}(x, {conv1.weight}, {bn1.*}, 2))
        x = torch.relu(self.conv_{pass}(x, {conv2.weight}, {bn2.*}, 1))
        x = torch.relu(self.conv_{pass}(x, {conv3.weight}, {bn3.*}, 1))
        return torch.avg_pool2d(x, [2, 2])  # [N, width, h/4, w/4]

      """;

  private static final String BLOCK =
      """
      def bottleneck_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = torch.relu(self.conv_{pass}(x, {conv1.weight}, {bn1.*}, 1))
        y = torch.relu(self.conv_{pass}(y, {conv2.weight}, {bn2.*}, 1))
        y = self.conv_{pass}(y, {conv3.weight}, {bn3.*}, 1)
        return torch.relu(torch.add(y, x))

      def widening_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = torch.relu(self.conv_{pass}(x, {conv1.weight}, {bn1.*}, 1))
        y = torch.relu(self.conv_{pass}(y, {conv2.weight}, {bn2.*}, 1))
        y = self.conv_{pass}(y, {conv3.weight}, {bn3.*}, 1)
        return torch.relu(torch.add(y, self.conv_{pass}(x, {downsample.0.weight}, {downsample.1.*}, 1)))

      def halving_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = torch.relu(self.conv_{pass}(x, {conv1.weight}, {bn1.*}, 1))
        y = torch.relu(self.conv_{pass}(y, {conv2.weight}, {bn2.*}, 1))
        y = self.conv_{pass}(torch.avg_pool2d(y, [2, 2]), {conv3.weight}, {bn3.*}, 1)
        return torch.relu(torch.add(y, self.conv_{pass}(torch.avg_pool2d(x, [2, 2]), {downsample.0.weight}, {downsample.1.*}, 1)))

      """;

  private static final String CONV =
      """
      def conv_{pass}(self, x: Tensor, conv: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, count: Tensor, stride: int) -> Tensor:
        return self.batch_norm_{pass}(self.full(self.conv2d(x, conv, stride)), weight, bias, mean, var, count)

      """;

  private static final String POOL =
      """
      def attnpool(self, x: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        x = torch.transpose(torch.flatten(x, 2), 1, 2)  # [N, L, D]
        x = torch.add(torch.cat([torch.mean(x, [1], True), x], 1), {positional_embedding})  # [N, L+1, D]
        q = self.linear(torch.slice(x, 1, 0, 1), {q_proj.*})
        k = self.linear(x, {k_proj.*})
        v = self.linear(x, {v_proj.*})
        q = torch.transpose(torch.reshape(q, [N, -1, {H}, {d}]), 1, 2)  # [N, H, 1, D/H]
        k = torch.transpose(torch.reshape(k, [N, -1, {H}, {d}]), 1, 2)  # [N, H, L+1, D/H]
        v = torch.transpose(torch.reshape(v, [N, -1, {H}, {d}]), 1, 2)
        a = torch.scaled_dot_product_attention(q, k, v, None, 0., False)
        return self.full(self.linear(torch.reshape(torch.transpose(a, 1, 2), [N, {D}]), {c_proj.*}))  # [N, E]
      """;

  private ModifiedResNet() {}

  /** Declares the tower. */
  static StagedTower.Declaration declare(ClipConfig config, ResNetConfig vision) {
    List<Part> parts = parts(vision, config.embedDim());
    String pool =
        POOL.replace("{D}", Integer.toString(vision.features()))
            .replace("{H}", Integer.toString(vision.heads()))
            .replace("{d}", Integer.toString(vision.features() / vision.heads()));
    String source =
        parts.get(0).parameters().resolve(StagedTower.passes(STEM), false)
            + parts.get(1).parameters().resolve(StagedTower.passes(BLOCK), false)
            + StagedTower.passes(CONV)
            + parts.get(parts.size() - 1).parameters().resolve(pool, false);
    return new StagedTower.Declaration(
        vision, parts, use -> source, null, new Convolutions(convolutions(vision), List.of()));
  }

  private static List<Part> parts(ResNetConfig vision, int embedDim) {
    int width = vision.width();
    Parameters stem =
        new Parameters()
            .conv("conv1", "bn1", 1, 3, width / 2, 3)
            .conv("conv2", "bn2", 1, width / 2, width / 2, 3)
            .conv("conv3", "bn3", 1, width / 2, width, 3);
    List<Part> parts = new ArrayList<>(List.of(new Part("stem", PREFIX, stem, true)));
    int in = width;
    for (int stage = 0; stage < vision.layers().size(); stage++) {
      int planes = width << stage;
      for (int i = 0; i < vision.layers().get(stage); i++) {
        Parameters block =
            new Parameters()
                .conv("conv1", "bn1", 1, in, planes, 1)
                .conv("conv2", "bn2", 1, planes, planes, 3)
                .conv("conv3", "bn3", 0, planes, 4 * planes, 1); // starts as the identity
        if (i == 0) {
          block.conv("downsample.0", "downsample.1", 1, in, 4 * planes, 1);
        }
        String kernel = i > 0 ? "bottleneck" : stage == 0 ? "widening" : "halving";
        parts.add(new Part(kernel, PREFIX + "layer" + (stage + 1) + "." + i + ".", block, true));
        in = 4 * planes;
      }
    }
    parts.add(new Part("attnpool", PREFIX + "attnpool.", pool(vision, embedDim), false));
    return parts;
  }

  private static Parameters pool(ResNetConfig vision, int embedDim) {
    int features = vision.features();
    Init weight = Init.normal(Math.pow(features, -0.5));
    Init bias = Init.uniform(Math.pow(features, -0.5));
    long grid = (long) (vision.imageHeight() / 32) * (vision.imageWidth() / 32);
    return new Parameters()
        .add("positional_embedding", weight, grid + 1, features)
        .linear("k_proj", weight, bias, features, features)
        .linear("q_proj", weight, bias, features, features)
        .linear("v_proj", weight, bias, features, features)
        .linear("c_proj", weight, bias, embedDim, features);
  }

  /** Lists the convolutions of 3 x 3 and stride 1, each once. */
  private static List<Shape> convolutions(ResNetConfig config) {
    int width = config.width();
    int grid = config.imageHeight() / 2; // images are square
    Set<Shape> shapes = new LinkedHashSet<>();
    shapes.add(new Shape(width / 2, width / 2, grid));
    shapes.add(new Shape(width / 2, width, grid));
    grid /= 2;
    for (int stage = 0; stage < config.layers().size(); stage++) {
      int planes = width << stage;
      shapes.add(new Shape(planes, planes, grid));
      if (stage > 0) {
        grid /= 2; // within the first block, after its convolution
        shapes.add(new Shape(planes, planes, grid));
      }
    }
    return List.copyOf(shapes);
  }
}
