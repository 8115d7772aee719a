package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.Autograd;
import org.jspecify.annotations.Nullable;

/**
 * An image encoder that is a transformer over patches, as a family declares it: an embedding of the
 * patches, residual attention blocks, and what makes the image's feature of the last block's
 * output.
 */
final class PatchTower implements ImageTower {

  /** What the image's feature is made of. */
  enum Pooling {
    /** The first row, a class token. */
    FIRST,
    /** The mean of the patches' rows. */
    MEAN,
    /** All rows, by the attention of a learned query. */
    ATTENTION
  }

  /**
   * What a family declares.
   *
   * @param prefix what precedes all names in checkpoints
   * @param blocks what precedes a block's number in its names
   * @param parameters those around the blocks, and the blocks among them
   * @param kind what the blocks share
   * @param positions the positional embeddings, without the prefix; null for none
   * @param rotary what turns queries and keys; null where the blocks have no such positions
   * @param pooling what {@code project} takes of the last block
   * @param source the functions {@code embed}, [N, 3, height, width] to [N, L, D]; {@code
   *     embed_kept}, the same of some patches [N, K], both for each of {@link StagedTower#passes}
   *     if there are batch norms; and {@code project}, [N, L, D], or [N, D] where the first row is
   *     pooled, to [N, E]; with {@link Pooling#ATTENTION} also {@code explained_project}, the same
   *     and its attention [N, H, queries, L]; they may call {@link #PATCHES}. Where blocks are
   *     masked, also {@code seen}, of the pixels, [N, 1, 1, L], which the last two then take after
   *     x, and no {@code embed_kept}
   * @param convolutions that they call; none but maps of patches for {@link Convolutions#NONE}
   */
  record Declaration(
      VisionTransformerConfig vision,
      String prefix,
      String blocks,
      Parameters parameters,
      BlockKind kind,
      @Nullable Positions positions,
      @Nullable RotaryPositions rotary,
      Pooling pooling,
      Function<TowerKernels.Use, String> source,
      Convolutions convolutions)
      implements ImageDeclaration {

    @Override
    public List<ParameterSpec> specs() {
      return parameters.specs(prefix);
    }

    @Override
    public ImageTower tower(NDManager manager, Map<String, NDArray> all) {
      return new PatchTower(this, manager, all);
    }

    @Override
    public List<List<LoraPlace>> adaptable() {
      return kind.places(prefix + blocks, vision.layers());
    }

    @Override
    public void prove(NDManager manager, Precision precision, boolean trained) {
      convolutions.source(precision, manager, trained);
      KernelSurvey.prove(manager, precision, kind);
      KernelSurvey.prove(manager, precision, kind.activation(), parameters);
    }

    @Override
    public @Nullable Positions positions() {
      return positions == null
          ? null
          : new Positions(prefix + positions.name(), positions.before());
    }
  }

  /**
   * The functions {@code patches}, [N, 3, height, width] to [N, patches, values of a patch], and
   * {@code kept_patches}, to those of the given indices.
   *
   * <p>A convolution whose stride is its kernel is a linear map of each patch; as one matrix
   * product it is faster. What is left of a grid that does not divide the image is cut off.
   */
  private static final String PATCHES =
      """
      def patches(self, pixels: Tensor) -> Tensor:
        N = torch.size(pixels, 0)
        x = torch.slice(torch.slice(pixels, 2, 0, {gh} * {P}), 3, 0, {gw} * {P})
        x = torch.reshape(x, [N, 3, {gh}, {P}, {gw}, {P}])
        return torch.reshape(torch.permute(x, [0, 2, 4, 1, 3, 5]), [N, {gh} * {gw}, 3 * {P} * {P}])

      def kept_patches(self, pixels: Tensor, kept: Tensor) -> Tensor:
        N = torch.size(kept, 0)
        start = torch.arange(N, dtype=4, layout=None, device=ops.prim.device(kept), pin_memory=False)
        index = torch.add(kept, torch.mul(torch.unsqueeze(start, 1), {gh} * {gw}))
        return self.rows(torch.flatten(self.patches(pixels), 0, 1), index)  # [N, K, 3PP]

      def rows(self, table: Tensor, index: Tensor) -> Tensor:
        x = torch.index_select(table, 0, torch.flatten(index))
        return torch.reshape(x, [torch.size(index, 0), torch.size(index, 1), -1])

      """;

  private final Declaration declared;
  private final TowerKernels kernels;
  private final NDList own;
  private final Transformer transformer;

  /** What blocks take besides: the table of rotary positions, where there is one. */
  private final NDArray[] positions;

  private volatile PreparedEmbedding prepared;

  private record PreparedEmbedding(PreparedLinear linear, NDList parameters) {}

  private PatchTower(Declaration declared, NDManager manager, Map<String, NDArray> all) {
    this.declared = declared;
    String patches = patches(declared.vision);
    kernels =
        new TowerKernels(
            manager,
            (use, precision) ->
                patches
                    + declared.source.apply(use)
                    + (declared.rotary == null ? "" : declared.rotary.source())
                    + declared.kind.source(use)
                    + declared.convolutions.source(
                        precision, manager, use == TowerKernels.Use.TRAIN));
    own = declared.parameters.of(all, declared.prefix);
    transformer =
        new Transformer(
            declared.kind,
            kernels,
            all,
            declared.prefix + declared.blocks,
            declared.vision.layers());
    positions =
        declared.rotary == null
            ? new NDArray[0]
            : new NDArray[] {RotaryPositions.table(manager, kernels)};
  }

  /**
   * Writes the functions of a family for {@link Declaration#source}.
   *
   * @param source with {@code {project_patches}} for the map of {@code patches}, {@code {D}} for
   *     the width, and {@code {eps}} for the number of layer norms
   * @param map the name of the patches' map
   */
  static Function<TowerKernels.Use, String> source(
      VisionTransformerConfig vision, Parameters parameters, String map, String source) {
    String sized =
        source
            .replace("{D}", Integer.toString(vision.width()))
            .replace("{eps}", Double.toString(vision.normEpsilon()));
    return use -> {
      boolean packs = use == TowerKernels.Use.PREPARED && parameters.laysOut();
      String mapped = parameters.map("patches", map, packs);
      return parameters.resolve(sized.replace("{project_patches}", mapped), packs);
    };
  }

  private static String patches(VisionTransformerConfig vision) {
    return PATCHES
        .replace("{P}", Integer.toString(vision.patchSize()))
        .replace("{gh}", Integer.toString(vision.gridHeight()))
        .replace("{gw}", Integer.toString(vision.gridWidth()));
  }

  @Override
  public Activation activation() {
    return declared.kind.activation();
  }

  @Override
  public void prepare(PreparedLinear linear) {
    transformer.prepare(linear, declared.pooling == Pooling.FIRST);
    prepared =
        linear == null || !declared.parameters.laysOut()
            ? null
            : new PreparedEmbedding(
                linear, declared.parameters.prepare(linear, own, declared.prefix, Set.of()));
  }

  @Override
  public NDArray forward(
      Forward pass, NDArray pixels, NDArray kept, Consumer<NDArray> hiddenStates) {
    if (kept != null && !declared.vision.choosesPatches()) {
      throw new IllegalArgumentException(
          "a " + declared.vision.family() + " looks at all patches of an image");
    }
    NDArray x =
        kept == null
            ? embed(pass, pixels) // [N, L, D]
            : kernels.call(pass, embedding("embed_kept", pass), pixels, kept, own(pass));
    NDArray[] context =
        kept == null || declared.rotary == null
            ? context(pass, pixels)
            : new NDArray[] {kernels.call(pass, "kept_rope", kept, positions[0])};
    NDArray last =
        declared.pooling == Pooling.FIRST
            ? transformer.forwardAt(pass, x, pixels, hiddenStates, context) // [N, D]
            : transformer.forward(pass, x, hiddenStates, context); // [N, L, D]
    PreparedEmbedding now = prepared; // whose list lacks nothing that is named here
    NDList parameters = now == null || own(pass) != own ? own(pass) : now.parameters;
    return masked()
        ? kernels.call(pass, "project", last, context[0], parameters)
        : kernels.call(pass, "project", last, parameters); // [N, E]
  }

  private boolean masked() {
    return declared.kind instanceof AttentionKind kind && kind.masked();
  }

  /** What the blocks take besides. */
  private NDArray[] context(Forward pass, NDArray pixels) {
    return masked() ? new NDArray[] {kernels.call(pass, "seen", pixels)} : positions;
  }

  @Override
  public void states(Forward pass, NDArray pixels, int blocks, Consumer<NDArray> hiddenStates) {
    transformer.states(pass, embed(pass, pixels), blocks, hiddenStates, context(pass, pixels));
  }

  @Override
  public Trace trace(NDArray pixels) {
    NDArray x = Autograd.withoutRecording(() -> embed(Forward.EXPLAIN, pixels));
    NDArray[] context = Autograd.withoutRecording(() -> context(Forward.EXPLAIN, pixels));
    return Autograd.record(() -> trace(pixels, x, context));
  }

  private Trace trace(NDArray pixels, NDArray x, NDArray[] context) {
    List<NDArray> attention = new ArrayList<>();
    List<NDArray> states = transformer.explain(x, attention::add, context);
    NDArray last = states.get(states.size() - 1); // [1, L, D]
    if (declared.pooling == Pooling.ATTENTION) {
      NDList found =
          masked()
              ? kernels.callForAll(Forward.EXPLAIN, "explained_project", last, context[0], own)
              : kernels.callForAll(Forward.EXPLAIN, "explained_project", last, own);
      return new Trace(found.get(0), states, attention, found.get(1), null);
    }
    int tokens = Math.toIntExact(last.size(1));
    float[] pooled = new float[tokens];
    if (declared.pooling == Pooling.FIRST) {
      pooled[0] = 1;
      last = kernels.call(Forward.EXPLAIN, "at", last, pixels);
    } else {
      int patches = declared.vision.patches();
      Arrays.fill(pooled, tokens - patches, tokens, 1f / patches);
    }
    NDArray embedding = kernels.call(Forward.EXPLAIN, "project", last, own);
    return new Trace(embedding, states, attention, null, pooled);
  }

  @Override
  public NDArray embedPatches(NDArray state) {
    return Autograd.withoutRecording(
        () -> {
          NDArray rows = state.squeeze(0); // [L, D]
          long before = rows.size(0) - declared.vision.patches(); // a class token, or none
          NDArray patches = rows.get(before + ":");
          NDArray alone =
              switch (declared.pooling) {
                case FIRST -> patches; // [P, D]
                case ATTENTION -> patches.expandDims(1); // [P, 1, D]
                case MEAN -> // [P, 1, D], with as many rows before that are ignored as there are
                    patches.expandDims(1).repeat(1, 1 + before);
              };
          if (masked()) {
            NDArray onePatch = state.getManager().ones(new Shape(1, 2, 2));
            NDArray seen = kernels.call(Forward.EXPLAIN, "seen", onePatch);
            return kernels.call(Forward.EXPLAIN, "project", alone, seen, own);
          }
          return kernels.call(Forward.EXPLAIN, "project", alone, own);
        });
  }

  private NDArray embed(Forward pass, NDArray pixels) {
    PreparedEmbedding now = prepared;
    boolean serves =
        now != null
            && own(pass) == own
            && now.linear.serves(pass, pixels.size(0) * declared.vision.patches());
    return serves
        ? kernels.call(now.linear, embedding("embed", pass), pixels, now.parameters)
        : kernels.call(pass, embedding("embed", pass), pixels, own(pass));
  }

  /** The parameters around the blocks, with what the pass's adapter adds to them. */
  private NDList own(Forward pass) {
    AppliedAdapter adapter = pass.adapter();
    return adapter == null ? own : adapter.around(declared.parameters, declared.prefix, own);
  }

  private String embedding(String name, Forward pass) {
    return name + StagedTower.suffix(pass, declared.parameters, own);
  }
}
