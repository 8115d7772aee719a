package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.clip4j.engine.ConvolutionKernels;
import org.clip4j.engine.ConvolutionKernels.Shape;
import org.clip4j.engine.TorchScript;
import org.clip4j.model.Forward.Purpose;

/**
 * The image encoder as a residual network (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * ModifiedResNet}): a stem of three convolutions, average pooling before every strided convolution,
 * and attention pooling, whose query is the mean of the grid, at the end.
 */
final class ModifiedResNet implements ImageTower {

  private static final double BATCH_NORM_EPSILON = 1e-5;

  /** Parameters per convolution with batch norm: weight, and the five of {@link #NORM}. */
  private static final List<String> NORM =
      List.of(".weight", ".bias", ".running_mean", ".running_var", ".num_batches_tracked");

  /**
   * {@code conv_norm} is chosen by the pass; p[i] to p[i + 5] are the convolution's weight and its
   * batch norm.
   */
  private static final String SOURCE =
      """
      def stem_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        x = torch.relu(self.conv_{pass}(x, p, 0, 2))
        x = torch.relu(self.conv_{pass}(x, p, 6, 1))
        x = torch.relu(self.conv_{pass}(x, p, 12, 1))
        return torch.avg_pool2d(x, [2, 2])  # [N, width, h/4, w/4]

      def bottleneck_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = torch.relu(self.conv_{pass}(x, p, 0, 1))
        y = torch.relu(self.conv_{pass}(y, p, 6, 1))
        y = self.conv_{pass}(y, p, 12, 1)
        return torch.relu(torch.add(y, x))

      def widening_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = torch.relu(self.conv_{pass}(x, p, 0, 1))
        y = torch.relu(self.conv_{pass}(y, p, 6, 1))
        y = self.conv_{pass}(y, p, 12, 1)
        return torch.relu(torch.add(y, self.conv_{pass}(x, p, 18, 1)))

      def halving_{pass}(self, x: Tensor, p: List[Tensor]) -> Tensor:
        y = torch.relu(self.conv_{pass}(x, p, 0, 1))
        y = torch.relu(self.conv_{pass}(y, p, 6, 1))
        y = self.conv_{pass}(torch.avg_pool2d(y, [2, 2]), p, 12, 1)
        return torch.relu(torch.add(y, self.conv_{pass}(torch.avg_pool2d(x, [2, 2]), p, 18, 1)))

      def conv_{pass}(self, x: Tensor, p: List[Tensor], i: int, stride: int) -> Tensor:
        y = self.full(self.conv2d(x, p[i], stride))
        {count}
        return torch.batch_norm(y, p[i + 1], p[i + 2], p[i + 3], p[i + 4], {training}, {momentum}, {eps}, False)

      """;

  private static final String POOL =
      """
      def attnpool(self, x: Tensor, p: List[Tensor]) -> Tensor:
        N = torch.size(x, 0)
        x = torch.transpose(torch.flatten(x, 2), 1, 2)  # [N, L, D]
        x = torch.add(torch.cat([torch.mean(x, [1], True), x], 1), p[0])  # [N, L+1, D]
        q = self.linear(torch.slice(x, 1, 0, 1), p[1], p[2])
        k = self.linear(x, p[3], p[4])
        v = self.linear(x, p[5], p[6])
        q = torch.transpose(torch.reshape(q, [N, -1, {H}, {d}]), 1, 2)  # [N, H, 1, D/H]
        k = torch.transpose(torch.reshape(k, [N, -1, {H}, {d}]), 1, 2)  # [N, H, L+1, D/H]
        v = torch.transpose(torch.reshape(v, [N, -1, {H}, {d}]), 1, 2)
        a = torch.scaled_dot_product_attention(q, k, v, None, 0., False)
        return self.full(self.linear(torch.reshape(torch.transpose(a, 1, 2), [N, {D}]), p[7], p[8]))  # [N, E]
      """;

  private static final Map<Purpose, String> SUFFIX =
      Map.of(Purpose.EVALUATE, "_evaluate", Purpose.TRAIN, "_train", Purpose.TRAIN_AHEAD, "_ahead");

  private record Bottleneck(String kernel, NDList parameters) {}

  private final TowerKernels kernels;
  private final NDList stem;
  private final List<Bottleneck> bottlenecks = new ArrayList<>();
  private final NDList attnpool;

  ModifiedResNet(NDManager manager, VisionConfig config, Map<String, NDArray> parameters) {
    int features = 32 * config.width();
    String source =
        source("evaluate", false, 0)
            + source("train", true, 0.1)
            + source("ahead", true, 0)
            + POOL.replace("{D}", Integer.toString(features))
                .replace("{H}", Integer.toString(config.heads()))
                .replace("{d}", Integer.toString(features / config.heads()));
    List<Shape> shapes = convolutions(config);
    kernels =
        new TowerKernels(
            manager,
            (use, precision) ->
                source
                    + ConvolutionKernels.source(
                        precision, manager.getDevice(), shapes, use == TowerKernels.Use.TRAIN));
    stem = convolutions(parameters, "visual.", "conv1", "bn1", "conv2", "bn2", "conv3", "bn3");
    for (int stage = 0; stage < config.layers().size(); stage++) {
      for (int i = 0; i < config.layers().get(stage); i++) {
        bottlenecks.add(bottleneck(parameters, stage, i));
      }
    }
    List<NDArray> pool = new ArrayList<>();
    pool.add(parameters.get("visual.attnpool.positional_embedding"));
    for (String name : List.of("q_proj", "k_proj", "v_proj", "c_proj")) {
      pool.add(parameters.get("visual.attnpool." + name + ".weight"));
      pool.add(parameters.get("visual.attnpool." + name + ".bias"));
    }
    attnpool = TorchScript.list(pool);
  }

  /** Lists the convolutions of 3 x 3 and stride 1, each once. */
  static List<Shape> convolutions(VisionConfig config) {
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

  private static String source(String pass, boolean training, double momentum) {
    boolean updates = momentum > 0;
    return SOURCE
        .replace("{pass}", pass)
        .replace("{count}", updates ? "torch.add_(p[i + 5], 1)" : "")
        .replace("{training}", training ? "True" : "False")
        .replace("{momentum}", Double.toString(momentum))
        .replace("{eps}", Double.toString(BATCH_NORM_EPSILON));
  }

  private static Bottleneck bottleneck(Map<String, NDArray> parameters, int stage, int index) {
    String prefix = "visual.layer" + (stage + 1) + "." + index + ".";
    if (index > 0) {
      return new Bottleneck(
          "bottleneck",
          convolutions(parameters, prefix, "conv1", "bn1", "conv2", "bn2", "conv3", "bn3"));
    }
    return new Bottleneck(
        stage == 0 ? "widening" : "halving",
        convolutions(
            parameters,
            prefix,
            "conv1",
            "bn1",
            "conv2",
            "bn2",
            "conv3",
            "bn3",
            "downsample.0",
            "downsample.1"));
  }

  /** Convolutions and their batch norms, in turn. */
  private static NDList convolutions(
      Map<String, NDArray> parameters, String prefix, String... names) {
    List<NDArray> list = new ArrayList<>();
    for (int i = 0; i < names.length; i += 2) {
      list.add(parameters.get(prefix + names[i] + ".weight"));
      String norm = prefix + names[i + 1];
      NORM.forEach(suffix -> list.add(parameters.get(norm + suffix)));
    }
    return TorchScript.list(list);
  }

  /** What is not trained keeps its running statistics, and uses them. */
  private static String suffix(Forward pass, NDList parameters) {
    boolean evaluates =
        pass.purpose() == Purpose.EVALUATE || parameters.stream().noneMatch(NDArray::hasGradient);
    return SUFFIX.get(evaluates ? Purpose.EVALUATE : pass.purpose());
  }

  /** Its convolutions are used as they are. */
  @Override
  public void prepare(PreparedLinear linear) {}

  @Override
  public NDArray forward(
      Forward pass, NDArray pixels, NDArray kept, Consumer<NDArray> hiddenStates) {
    if (kept != null) {
      throw new IllegalArgumentException("a ModifiedResNet has no patches to choose from");
    }
    NDArray x = kernels.call(pass, "stem" + suffix(pass, stem), pixels, stem);
    for (Bottleneck block : bottlenecks) {
      String kernel = block.kernel + suffix(pass, block.parameters);
      NDArray next = kernels.call(pass, kernel, x, block.parameters);
      if (hiddenStates != null) {
        hiddenStates.accept(x);
      } else {
        x.close(); // autograd keeps what it needs
      }
      x = next;
    }
    if (hiddenStates != null) {
      hiddenStates.accept(x);
    }
    return kernels.call(pass, "attnpool", x, attnpool); // [N, E]
  }
}
