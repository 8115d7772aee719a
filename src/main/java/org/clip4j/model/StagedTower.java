package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.ConvolutionKernels;
import org.clip4j.engine.internal.DepthwiseKernels;
import org.clip4j.model.Forward.Purpose;
import org.jspecify.annotations.Nullable;

/**
 * An image encoder of convolutions over grids, as a family declares it: parts that follow one
 * another, each with parameters and a kernel of its own. What lies between two of them is [N,
 * channels, h, w], and closed at once.
 */
final class StagedTower implements ImageTower {

  /**
   * One part of a tower.
   *
   * @param kernel the function of the source that computes it; where it has batch norms, there is
   *     one for each {@link #passes pass}
   * @param prefix of its parameters' names, with the final dot
   * @param isState whether what it gives is a hidden state: the stem's end or a block's
   * @param folding another form of the part, for inference; null to use the part as it is
   */
  record Part(
      String kernel,
      String prefix,
      Parameters parameters,
      boolean isState,
      @Nullable Folding folding) {

    Part(String kernel, String prefix, Parameters parameters, boolean isState) {
      this(kernel, prefix, parameters, isState, null);
    }

    /** The form whose maps are laid out. */
    private Parameters laid() {
      return folding == null ? parameters : folding.parameters;
    }
  }

  /**
   * A part whose sums and batch norms are folded into the weights of its maps.
   *
   * @param fold the function that gives the parameters which the part does not have, of any tensor
   *     and of its own parameters
   * @param parameters of the folded part
   * @param kernel the function that computes it
   */
  record Folding(String fold, Parameters parameters, String kernel) {}

  /**
   * What a family declares.
   *
   * @param parts in the order of checkpoints and of computation; the last gives [N, E]
   * @param source the functions of the parts for a use; they may call {@code self.conv2d} (see
   *     {@link ConvolutionKernels}), {@code self.depthwise} ({@link DepthwiseKernels}), {@code
   *     self.batch_norm_…}, {@link #GRIDS} and, of maps that are laid out, {@code self.packed…}
   * @param activation of the maps that are laid out; null if there are none
   * @param convolutions that they call
   */
  record Declaration(
      StagedVisionConfig vision,
      List<Part> parts,
      Function<TowerKernels.Use, String> source,
      @Nullable Activation activation,
      Convolutions convolutions)
      implements ImageDeclaration {

    @Override
    public List<ParameterSpec> specs() {
      List<ParameterSpec> specs = new ArrayList<>();
      parts.forEach(part -> specs.addAll(part.parameters.specs(part.prefix)));
      return specs;
    }

    @Override
    public ImageTower tower(NDManager manager, Map<String, NDArray> all) {
      return new StagedTower(this, manager, all);
    }

    @Override
    public List<List<LoraPlace>> adaptable() {
      return List.of();
    }

    @Override
    public void prove(NDManager manager, Precision precision, boolean trained) {
      convolutions.source(precision, manager, trained);
      if (activation != null) {
        parts.stream()
            .map(Part::laid)
            .distinct()
            .forEach(part -> KernelSurvey.prove(manager, precision, activation, part));
      }
    }

    @Override
    public @Nullable Positions positions() {
      return null;
    }
  }

  /**
   * Grids as rows of channels, and back; the memory stays as it is where channels are last. {@code
   * patches} gives [N, h/k, w/k, C k k], so that a convolution whose stride is its kernel is a
   * linear map; what does not fill a patch is cut off.
   */
  private static final String GRIDS =
      """

      def rows(self, x: Tensor) -> Tensor:
        return torch.contiguous(torch.permute(x, [0, 2, 3, 1]))  # [N, h, w, C]

      def grid(self, x: Tensor) -> Tensor:
        return torch.permute(x, [0, 3, 1, 2])  # [N, C, h, w]

      def patches(self, x: Tensor, k: int) -> Tensor:
        h = torch.size(x, 2) // k
        w = torch.size(x, 3) // k
        x = torch.slice(torch.slice(x, 2, 0, h * k), 3, 0, w * k)
        x = torch.reshape(x, [torch.size(x, 0), -1, h, k, w, k])
        return torch.flatten(torch.permute(x, [0, 2, 4, 1, 3, 5]), 3)
      """;

  /** Where weights are not laid out. */
  private static final String UNPREPARED =
      """

      def packed(self, x: Tensor, w: Tensor, b: Tensor, outputs: int) -> Tensor:
        return self.linear(x, torch.flatten(w, 1), b)

      def packed_act(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = self.linear(x, torch.flatten(w, 1), b)
        return {gelu}

      def packed_add(self, x: Tensor, y: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.add(x, self.linear(y, torch.flatten(w, 1), b))
      """;

  static final String BATCH_NORM =
      """

      def batch_norm_{pass}(self, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, count: Tensor) -> Tensor:
        {count}
        return torch.batch_norm(x, weight, bias, mean, var, {training}, {momentum}, 1.0e-05, False)
      """;

  private static final Map<Purpose, String> SUFFIX =
      Map.of(
          Purpose.EVALUATE, "_evaluate",
          Purpose.EXPLAIN, "_evaluate",
          Purpose.TRAIN, "_train",
          Purpose.TRAIN_AHEAD, "_ahead");

  private final Declaration declared;
  private final TowerKernels kernels;
  private final List<NDList> parameters;
  private volatile @Nullable Prepared prepared;

  /**
   * Weights laid out for inference.
   *
   * @param parameters of each part; null of those that have no maps to lay out
   */
  private record Prepared(PreparedLinear linear, List<@Nullable NDList> parameters) {}

  private StagedTower(Declaration declared, NDManager manager, Map<String, NDArray> all) {
    this.declared = declared;
    kernels =
        new TowerKernels(
            manager,
            (use, precision) ->
                declared.source.apply(use)
                    + passes(BATCH_NORM)
                    + GRIDS
                    + unprepared(declared.activation, use)
                    + declared.convolutions.source(
                        precision, manager, use == TowerKernels.Use.TRAIN));
    parameters = declared.parts.stream().map(part -> part.parameters.of(all, part.prefix)).toList();
  }

  private static String unprepared(@Nullable Activation activation, TowerKernels.Use use) {
    return activation == null || use == TowerKernels.Use.PREPARED
        ? ""
        : UNPREPARED.replace("{gelu}", gelu(activation, use));
  }

  /** An activation of {@code y}, in place where that is allowed. */
  static String gelu(Activation activation, TowerKernels.Use use) {
    return use == TowerKernels.Use.TRAIN ? activation.source : activation.inference.inPlace();
  }

  /**
   * Writes functions for each pass: {@code {pass}} is one of {@link #SUFFIX}, which decides what a
   * batch norm does.
   */
  static String passes(String source) {
    return pass(source, "evaluate", false, 0)
        + pass(source, "train", true, 0.1)
        + pass(source, "ahead", true, 0);
  }

  private static String pass(String source, String pass, boolean training, double momentum) {
    return source
        .replace("{pass}", pass)
        .replace("{count}", momentum > 0 ? "torch.add_(count, 1)" : "")
        .replace("{training}", training ? "True" : "False")
        .replace("{momentum}", Double.toString(momentum));
  }

  /** What is not trained keeps its running statistics, and uses them. */
  static String suffix(Forward pass, Parameters declared, NDList parameters) {
    if (!declared.hasBuffers()) {
      return "";
    }
    boolean evaluates =
        SUFFIX.get(pass.purpose()).equals(SUFFIX.get(Purpose.EVALUATE))
            || parameters.stream().noneMatch(NDArray::hasGradient);
    return SUFFIX.get(evaluates ? Purpose.EVALUATE : pass.purpose());
  }

  @Override
  public @Nullable Activation activation() {
    return declared.activation;
  }

  @Override
  public void prepare(@Nullable PreparedLinear linear) {
    if (linear == null) {
      prepared = null;
      return;
    }
    List<@Nullable NDList> laid = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      laid.add(prepare(linear, declared.parts.get(i), parameters.get(i)));
    }
    prepared = new Prepared(linear, laid);
  }

  private @Nullable NDList prepare(PreparedLinear linear, Part part, NDList plain) {
    if (part.folding != null) {
      NDArray any = linear.manager().create(0f);
      NDList made = kernels.callForAll(Forward.EVALUATE, part.folding.fold, any, plain);
      NDList folded = part.folding.parameters.of(part.parameters, plain, made);
      return part.folding.parameters.prepare(linear, folded, part.prefix, Set.of());
    }
    return part.parameters.laysOut()
        ? part.parameters.prepare(linear, plain, part.prefix, Set.of())
        : null;
  }

  @Override
  public NDArray forward(
      Forward pass,
      NDArray pixels,
      @Nullable NDArray kept,
      @Nullable Consumer<NDArray> hiddenStates) {
    if (kept != null) {
      throw noPatches("to choose from");
    }
    NDArray x = pixels;
    for (int i = 0; i < parameters.size(); i++) {
      NDArray next = call(pass, i, x);
      if (hiddenStates == null) {
        if (i > 0) {
          x.close(); // autograd keeps what it needs
        }
      } else if (declared.parts.get(i).isState) {
        hiddenStates.accept(next);
      }
      x = next;
    }
    return x; // [N, E]
  }

  private NDArray call(Forward pass, int index, NDArray x) {
    Part part = declared.parts.get(index);
    Prepared now = prepared;
    NDList laid = now == null ? null : now.parameters.get(index);
    Shape shape = x.getShape();
    if (laid != null && now.linear.serves(pass, shape.get(0) * shape.get(2) * shape.get(3))) {
      String kernel = part.folding == null ? part.kernel : part.folding.kernel;
      return kernels.call(now.linear, kernel, x, laid);
    }
    String kernel = part.kernel + suffix(pass, part.parameters, parameters.get(index));
    return kernels.call(pass, kernel, x, parameters.get(index));
  }

  @Override
  public Trace trace(NDArray pixels) {
    List<Part> parts = declared.parts;
    int stem = 1 + parts.indexOf(parts.stream().filter(Part::isState).findFirst().orElseThrow());
    NDArray first =
        Autograd.withoutRecording(
            () -> {
              NDArray x = pixels;
              for (int i = 0; i < stem; i++) {
                x = call(Forward.EXPLAIN, i, x);
              }
              return x;
            });
    first.setRequiresGradient(true);
    return Autograd.record(
        () -> {
          List<NDArray> states = new ArrayList<>(List.of(first));
          NDArray x = first;
          for (int i = stem; i < parts.size(); i++) {
            x = call(Forward.EXPLAIN, i, x);
            if (parts.get(i).isState) {
              states.add(x);
            }
          }
          return new Trace(x, states, List.of(), null, null);
        });
  }

  @Override
  public void states(Forward pass, NDArray pixels, int blocks, Consumer<NDArray> hiddenStates) {
    throw noPatches("to give states of");
  }

  @Override
  public NDArray embedPatches(NDArray state) {
    throw noPatches("to embed");
  }

  private IllegalArgumentException noPatches(String use) {
    return new IllegalArgumentException("a " + declared.vision.family() + " has no patches " + use);
  }
}
