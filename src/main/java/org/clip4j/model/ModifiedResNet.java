package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.ConvolutionKernels;
import org.clip4j.engine.internal.ConvolutionKernels.Shape;
import org.clip4j.model.Forward.Purpose;
import org.clip4j.model.ParameterSpec.Init;
import org.jspecify.annotations.Nullable;

/**
 * The image encoder as a residual network (Radford et al. 2021, section 2.4; OpenCLIP's {@code
 * ModifiedResNet}): a stem of three convolutions, average pooling before every strided convolution,
 * and attention pooling, whose query is the mean of the grid, at the end.
 */
final class ModifiedResNet implements ImageTower {
  private static final String PREFIX = "visual.";
  private static final String ATTNPOOL = PREFIX + "attnpool.";

  private static final double BATCH_NORM_EPSILON = 1e-5;

  /** {@code pass} is one of {@link #SUFFIX}, which decides what a batch norm does. */
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
        y = self.full(self.conv2d(x, conv, stride))
        {count}
        return torch.batch_norm(y, weight, bias, mean, var, {training}, {momentum}, {eps}, False)

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

  private static final Map<Purpose, String> SUFFIX =
      Map.of(
          Purpose.EVALUATE, "_evaluate",
          Purpose.EXPLAIN, "_evaluate",
          Purpose.TRAIN, "_train",
          Purpose.TRAIN_AHEAD, "_ahead");

  /** What the family declares. */
  record Declaration(ResNetConfig vision, int embedDim) implements ImageDeclaration {

    private Map<String, Parameters> parts() {
      return ModifiedResNet.parts(vision, embedDim);
    }

    @Override
    public List<ParameterSpec> specs() {
      List<ParameterSpec> specs = new ArrayList<>();
      parts().forEach((prefix, part) -> specs.addAll(part.specs(prefix)));
      return specs;
    }

    @Override
    public ImageTower tower(NDManager manager, Map<String, NDArray> all) {
      return new ModifiedResNet(this, manager, all);
    }

    @Override
    public List<List<LoraPlace>> adaptable() {
      return List.of();
    }

    @Override
    public void prove(NDManager manager, Precision precision, boolean trained) {
      ConvolutionKernels.source(precision, manager.getDevice(), convolutions(vision), trained);
    }

    @Override
    public @Nullable Positions positions() {
      return null;
    }
  }

  private record Bottleneck(String kernel, NDList parameters) {}

  private final TowerKernels kernels;
  private final NDList stem;
  private final List<Bottleneck> bottlenecks = new ArrayList<>();
  private final NDList attnpool;

  private ModifiedResNet(Declaration declared, NDManager manager, Map<String, NDArray> parameters) {
    ResNetConfig vision = declared.vision;
    Map<String, Parameters> parts = declared.parts();
    int features = vision.features();
    String pool =
        POOL.replace("{D}", Integer.toString(features))
            .replace("{H}", Integer.toString(vision.heads()))
            .replace("{d}", Integer.toString(features / vision.heads()));
    String source =
        parts.get(PREFIX).resolve(passes(STEM), false)
            + parts.get(block(0, 0)).resolve(passes(BLOCK), false)
            + passes(CONV)
            + parts.get(ATTNPOOL).resolve(pool, false);
    List<Shape> shapes = convolutions(vision);
    kernels =
        new TowerKernels(
            manager,
            (use, precision) ->
                source
                    + ConvolutionKernels.source(
                        precision, manager.getDevice(), shapes, use == TowerKernels.Use.TRAIN));
    stem = parts.get(PREFIX).of(parameters, PREFIX);
    for (int stage = 0; stage < vision.layers().size(); stage++) {
      for (int i = 0; i < vision.layers().get(stage); i++) {
        String kernel = i > 0 ? "bottleneck" : stage == 0 ? "widening" : "halving";
        String prefix = block(stage, i);
        bottlenecks.add(new Bottleneck(kernel, parts.get(prefix).of(parameters, prefix)));
      }
    }
    attnpool = parts.get(ATTNPOOL).of(parameters, ATTNPOOL);
  }

  private static String block(int stage, int index) {
    return PREFIX + "layer" + (stage + 1) + "." + index + ".";
  }

  /** Declares each part, by the prefix of its names. */
  private static Map<String, Parameters> parts(ResNetConfig vision, int embedDim) {
    Map<String, Parameters> parts = new LinkedHashMap<>();
    int width = vision.width();
    parts.put(
        PREFIX,
        new Parameters()
            .conv("conv1", "bn1", 1, 3, width / 2, 3)
            .conv("conv2", "bn2", 1, width / 2, width / 2, 3)
            .conv("conv3", "bn3", 1, width / 2, width, 3));
    int in = width;
    for (int stage = 0; stage < vision.layers().size(); stage++) {
      int planes = width << stage;
      for (int i = 0; i < vision.layers().get(stage); i++) {
        Parameters block =
            new Parameters()
                .conv("conv1", "bn1", 1, in, planes, 1)
                .conv("conv2", "bn2", 1, planes, planes, 3)
                .conv("conv3", "bn3", 0, planes, 4 * planes, 1); // starts as the identity
        parts.put(
            block(stage, i),
            i > 0 ? block : block.conv("downsample.0", "downsample.1", 1, in, 4 * planes, 1));
        in = 4 * planes;
      }
    }
    int features = vision.features();
    Init weight = Parameters.normal(Math.pow(features, -0.5));
    Init bias = Parameters.uniform(Math.pow(features, -0.5));
    long grid = (long) (vision.imageHeight() / 32) * (vision.imageWidth() / 32);
    parts.put(
        ATTNPOOL,
        new Parameters()
            .add("positional_embedding", weight, grid + 1, features)
            .linear("k_proj", weight, bias, features, features)
            .linear("q_proj", weight, bias, features, features)
            .linear("v_proj", weight, bias, features, features)
            .linear("c_proj", weight, bias, embedDim, features));
    return parts;
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

  /** Writes functions for each pass. */
  private static String passes(String source) {
    return pass(source, "evaluate", false, 0)
        + pass(source, "train", true, 0.1)
        + pass(source, "ahead", true, 0);
  }

  private static String pass(String source, String pass, boolean training, double momentum) {
    boolean updates = momentum > 0;
    return source
        .replace("{pass}", pass)
        .replace("{count}", updates ? "torch.add_(count, 1)" : "")
        .replace("{training}", training ? "True" : "False")
        .replace("{momentum}", Double.toString(momentum))
        .replace("{eps}", Double.toString(BATCH_NORM_EPSILON));
  }

  /** What is not trained keeps its running statistics, and uses them. */
  private static String suffix(Forward pass, NDList parameters) {
    boolean evaluates =
        SUFFIX.get(pass.purpose()).equals(SUFFIX.get(Purpose.EVALUATE))
            || parameters.stream().noneMatch(NDArray::hasGradient);
    return SUFFIX.get(evaluates ? Purpose.EVALUATE : pass.purpose());
  }

  @Override
  public @Nullable Activation activation() {
    return null;
  }

  /** Its convolutions are used as they are. */
  @Override
  public void prepare(PreparedLinear linear) {}

  @Override
  public Trace trace(NDArray pixels) {
    NDArray x =
        Autograd.withoutRecording(
            () -> kernels.call(Forward.EXPLAIN, "stem_evaluate", pixels, stem));
    x.setRequiresGradient(true);
    return Autograd.record(
        () -> {
          List<NDArray> states = new ArrayList<>(List.of(x));
          for (Bottleneck block : bottlenecks) {
            NDArray last = states.get(states.size() - 1);
            String kernel = block.kernel + "_evaluate";
            states.add(kernels.call(Forward.EXPLAIN, kernel, last, block.parameters));
          }
          NDArray last = states.get(states.size() - 1);
          NDArray embedding = kernels.call(Forward.EXPLAIN, "attnpool", last, attnpool);
          return new Trace(embedding, states, List.of(), null, null);
        });
  }

  @Override
  public NDArray embedPatches(NDArray state) {
    throw new IllegalArgumentException("a ModifiedResNet has no patches to embed");
  }

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
