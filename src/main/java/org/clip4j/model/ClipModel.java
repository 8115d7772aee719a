package org.clip4j.model;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.ComputeThread;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.Libtorch;
import org.clip4j.engine.internal.ObservingKernels;
import org.clip4j.engine.internal.QuantizedKernels;
import org.jspecify.annotations.Nullable;

/**
 * CLIP: an image encoder and a text encoder that end in one embedding space, and the learned scale
 * of their cosine similarities (Radford et al. 2021, section 2.3).
 *
 * <p>Owns its parameters in native memory until closed. Any number of threads may encode at once;
 * training is for one thread, with none encoding meanwhile.
 */
public final class ClipModel implements AutoCloseable {
  private final ClipConfig config;
  private final NDManager manager;
  private final Map<String, NDArray> parameters = new LinkedHashMap<>();
  private List<ParameterSpec> specs;
  private final @Nullable ImageTower visual;
  private final @Nullable TextTransformer text;
  private boolean lean;

  /** What is uploaded when it is laid out. */
  private Map<String, Supplier<NDArray>> later = Map.of();

  private final InferenceWeights imageWeights =
      new InferenceWeights(weights -> visual().prepare(weights));
  private final InferenceWeights textWeights =
      new InferenceWeights(weights -> text().prepare(weights));
  private @Nullable AppliedAdapter attached;
  private @Nullable Map<String, FloatBuffer> unmerged; // what a merged adapter changed

  /** The halves of a model. */
  public enum Tower {
    IMAGES,
    TEXTS;

    private static Optional<Tower> of(ParameterSpec spec) {
      return spec.name().startsWith("logit_")
          ? Optional.empty()
          : Optional.of(spec.name().startsWith("visual.") ? IMAGES : TEXTS);
    }
  }

  /**
   * Loads.
   *
   * @param later parameters that are uploaded only when they are laid out
   */
  private ClipModel(
      ClipConfig config,
      Device device,
      ParameterSource source,
      Set<Tower> towers,
      Set<String> later) {
    this.config = config;
    specs = ParameterSpec.of(config);
    manager = Libtorch.newManager(device);
    try {
      for (ParameterSpec spec : specs) {
        if (Tower.of(spec).map(towers::contains).orElse(true) && !later.contains(spec.name())) {
          parameters.put(spec.name(), upload(spec, source));
        }
      }
      Map<String, NDArray> given = new HashMap<>(parameters);
      later.forEach(name -> given.put(name, manager.zeros(new Shape()))); // holds its place
      visual =
          towers.contains(Tower.IMAGES) ? ImageDeclaration.of(config).tower(manager, given) : null;
      text = towers.contains(Tower.TEXTS) ? new TextTransformer(manager, config, given) : null;
    } catch (RuntimeException | Error e) {
      manager.close();
      throw e;
    }
  }

  private NDArray upload(ParameterSpec spec, ParameterSource source) {
    return HostMemory.upload(
        manager, new Shape(spec.shape()), (from, target) -> source.copy(spec.name(), from, target));
  }

  /**
   * Makes a model with random weights, drawn as OpenCLIP draws them.
   *
   * @param seed the same seed gives the same weights on every machine
   */
  public static ClipModel create(ClipConfig config, long seed) {
    return create(config, seed, Device.cpu());
  }

  /** Does what {@link #create(ClipConfig, long)} does, on a device. */
  public static ClipModel create(ClipConfig config, long seed, Device device) {
    return new ClipModel(
        config, device, new RandomParameters(config, seed), EnumSet.allOf(Tower.class), Set.of());
  }

  /** Makes a model with a copy of the given weights. */
  public static ClipModel load(ClipConfig config, ParameterSource source) {
    return load(config, source, Device.cpu());
  }

  /** Does what {@link #load(ClipConfig, ParameterSource)} does, on a device. */
  public static ClipModel load(ClipConfig config, ParameterSource source, Device device) {
    return new ClipModel(config, device, source, EnumSet.allOf(Tower.class), Set.of());
  }

  /**
   * Loads a model that is for inference alone, and holds one copy of its weights: each is freed as
   * soon as it is laid out (see {@link #prepareImages}), where the layout is the fastest for any
   * batch; afterwards {@link #values} and {@link #parameters} lack it.
   *
   * @param towers the halves that are wanted; the other one is not read
   */
  public static ClipModel loadForInference(
      ClipConfig config, ParameterSource source, Device device, Set<Tower> towers) {
    ClipModel model = new ClipModel(config, device, source, towers, Set.of());
    model.lean = true;
    return model;
  }

  /**
   * As {@link #loadForInference}, of a model whose weights are laid out as 8-bit integers at once
   * (see {@link #quantizeImages}), so that they are never all there as floats.
   *
   * @param weights names of the parameters that become integers
   * @param inputs the levels of the maps' inputs by the maps' names
   */
  public static ClipModel loadQuantized(
      ClipConfig config,
      ParameterSource source,
      Device device,
      Set<Tower> towers,
      Set<String> weights,
      Map<String, InputLevels> inputs) {
    if (!QuantizedKernels.isAvailable(device)) {
      return loadForInference(config, source, device, towers);
    }
    ClipModel model = new ClipModel(config, device, source, towers, weights);
    try {
      model.lean = true;
      model.later =
          model.specs.stream()
              .filter(spec -> weights.contains(spec.name()))
              .collect(
                  Collectors.toMap(ParameterSpec::name, spec -> () -> model.upload(spec, source)));
      try (ComputeThread thread = new ComputeThread()) { // a team of the caller's would stay
        thread.call(
            () -> {
              model.quantize(inputs);
              return null;
            });
      }
      model.later = Map.of();
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private void quantize(Map<String, InputLevels> inputs) {
    if (visual != null) {
      quantizeImages(inputs);
    }
    if (text != null) {
      quantizeTexts(inputs);
    }
  }

  private ImageTower visual() {
    if (visual == null) {
      throw new IllegalStateException("this model was loaded without its image encoder");
    }
    return visual;
  }

  private TextTransformer text() {
    if (text == null) {
      throw new IllegalStateException("this model was loaded without its text encoder");
    }
    return text;
  }

  /** Whether all parameters are there: none was left out or freed. */
  public boolean isComplete() {
    return parameters.size() == specs.size();
  }

  /** Returns the architecture. */
  public ClipConfig config() {
    return config;
  }

  /** Owns the parameters; give every call a sub-manager of it, and close that. */
  public NDManager manager() {
    return manager;
  }

  /** Parameters and buffers by name, in OpenCLIP's naming; they are the model's own. */
  public Map<String, NDArray> parameters() {
    return Collections.unmodifiableMap(parameters);
  }

  /** Describes each of {@link #parameters()}. */
  public List<ParameterSpec> specs() {
    return specs;
  }

  /** Returns the current values of the parameters and buffers, for saving. */
  public ParameterSource values() {
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        return HostMemory.view(parameter(name));
      }

      @Override
      public void copy(String name, long from, FloatBuffer target) {
        HostMemory.download(parameter(name), from, target);
      }
    };
  }

  private NDArray parameter(String name) {
    NDArray array = parameters.get(name);
    if (array == null) {
      throw new IllegalStateException(
          "this model was loaded for inference alone and no longer has '"
              + name
              + "'; load it so that it keeps its weights");
    }
    return array;
  }

  /**
   * Lays the image encoder's weights out so that {@link Forward#EVALUATE} passes of a precision are
   * fastest, and casts them to it. Takes the memory of the encoder's weights once more, in that
   * precision. Lasts until {@link #setTrainable}; call it again after weights have been changed
   * otherwise. While it runs, none may encode.
   */
  public void prepareImages(Precision precision) {
    Activation activation = visual().activation();
    use(
        imageWeights,
        activation == null ? null : PreparedLinear.of(manager, precision, activation).orElse(null));
  }

  /** Does what {@link #prepareImages} does, for the text encoder. */
  public void prepareTexts(Precision precision) {
    use(textWeights, PreparedLinear.of(manager, precision, text().activation()).orElse(null));
  }

  /**
   * Lays the image encoder's weights out as 8-bit integers, for {@link Forward#EVALUATE} passes in
   * float32. Lasts as {@link #prepareImages} does.
   *
   * @param inputs the levels of the maps' inputs by the maps' names, see {@link InputObserver};
   *     maps that are not named are computed in float32
   */
  public void quantizeImages(Map<String, InputLevels> inputs) {
    Activation activation = visual().activation();
    use(
        imageWeights,
        activation == null
            ? null
            : PreparedLinear.quantized(manager, activation, inputs).orElse(null));
  }

  /** As {@link #quantizeImages}, for the text encoder. */
  public void quantizeTexts(Map<String, InputLevels> inputs) {
    use(textWeights, PreparedLinear.quantized(manager, text().activation(), inputs).orElse(null));
  }

  /**
   * Notes from now on what the inputs of the image encoder's linear maps are like in {@link
   * Forward#EVALUATE} passes in float32. Lasts as {@link #prepareImages} does; until then calls
   * must not overlap.
   *
   * @return empty if the encoder's weights are not laid out for inference (ModifiedResNet)
   */
  public Optional<InputObserver> observeImages() {
    return Optional.ofNullable(visual().activation())
        .map(
            activation -> {
              ObservingKernels kernels = new ObservingKernels(manager, activation.inference);
              use(imageWeights, PreparedLinear.observing(manager, kernels));
              return new InputObserver(kernels);
            });
  }

  /** As {@link #observeImages}, for the text encoder. */
  public InputObserver observeTexts() {
    ObservingKernels kernels = new ObservingKernels(manager, text().activation().inference);
    use(textWeights, PreparedLinear.observing(manager, kernels));
    return new InputObserver(kernels);
  }

  private void use(InferenceWeights tower, @Nullable PreparedLinear weights) {
    tower.release();
    if (weights != null) {
      if (lean) {
        weights.free(parameters, later);
      }
      tower.set(weights);
    }
  }

  /**
   * Encodes images.
   *
   * @param pixels [N, 3, height, width], float32, normalised; its manager owns the result and all
   *     on the way
   * @return [N, E], not normalised
   */
  public NDArray encodeImage(Forward pass, NDArray pixels) {
    return encodeImage(pass, pixels, null);
  }

  /**
   * Encodes as {@link #encodeImage(Forward, NDArray)} does, and shows the states on the way.
   *
   * @param hiddenStates given the output of the embedding and of each block; null if not wanted
   */
  public NDArray encodeImage(
      Forward pass, NDArray pixels, @Nullable Consumer<NDArray> hiddenStates) {
    return encodeImage(pass, pixels, null, hiddenStates);
  }

  /**
   * Encodes as {@link #encodeImage(Forward, NDArray)} does, looking at some patches of each image
   * only (Li et al. 2023, "Scaling Language-Image Pre-training via Masking"); for training.
   *
   * @param kept [N, K], int64, the patches, numbered row by row from 0 to {@link
   *     VisionTransformerConfig#patches} - 1; null for all
   * @throws IllegalArgumentException if the image tower is a ModifiedResNet, which has no patches
   */
  public NDArray encodePatches(Forward pass, NDArray pixels, @Nullable NDArray kept) {
    return encodeImage(pass, pixels, kept, null);
  }

  private NDArray encodeImage(
      Forward pass,
      NDArray pixels,
      @Nullable NDArray kept,
      @Nullable Consumer<NDArray> hiddenStates) {
    checkPixels(pixels);
    return visual().forward(adapted(pass), pixels, kept, hiddenStates);
  }

  private void checkPixels(NDArray pixels) {
    Shape expected = new Shape(3, config.vision().imageHeight(), config.vision().imageWidth());
    Shape found = pixels.getShape();
    if (found.dimension() != 4 || !found.slice(1).equals(expected)) {
      throw new IllegalArgumentException(
          "the image encoder takes pixels of shape [N, 3, "
              + expected.get(1)
              + ", "
              + expected.get(2)
              + "], found "
              + found);
    }
  }

  /**
   * Encodes texts.
   *
   * @param ids [N, L], int64, as the model's tokenizer gives them, padded: L is at most the context
   *     length, and just that where padding counts ({@link TextConfig#cutsPadding}); its manager
   *     owns the result and all on the way
   * @return [N, E], not normalised
   */
  public NDArray encodeText(Forward pass, NDArray ids) {
    return encodeText(pass, ids, null);
  }

  /**
   * Encodes as {@link #encodeText(Forward, NDArray)} does, and shows the states on the way.
   *
   * @param hiddenStates given the output of the embedding and of each block; null if not wanted
   */
  public NDArray encodeText(Forward pass, NDArray ids, @Nullable Consumer<NDArray> hiddenStates) {
    checkIds(ids);
    return text().forward(adapted(pass), ids, hiddenStates);
  }

  private void checkIds(NDArray ids) {
    Shape found = ids.getShape();
    int context = config.text().contextLength();
    boolean cuts = config.text().cutsPadding();
    if (found.dimension() != 2 || found.get(1) > context || !cuts && found.get(1) < context) {
      throw new IllegalArgumentException(
          "the text encoder takes token ids of shape [N, L] with L "
              + (cuts ? "at most " : "padded to ")
              + context
              + ", found "
              + found);
    }
  }

  /**
   * Encodes one image as {@link Forward#EXPLAIN} says, and shows what leads to its embedding; for
   * models that {@link #keepsWeights}.
   *
   * @param pixels [1, 3, height, width], as {@link #encodeImage} takes them; its manager owns all
   *     that is made
   */
  public Trace traceImage(NDArray pixels) {
    checkPixels(pixels);
    requireNoAdapter();
    return visual().trace(pixels);
  }

  /**
   * What the image encoder's head makes of each patch alone.
   *
   * @param state the last one of {@link #traceImage}'s
   * @return [patches, E], row by row, not normalised; its manager owns it
   * @throws IllegalArgumentException if the image tower is a ModifiedResNet, which has no patches
   */
  public NDArray embedPatches(NDArray state) {
    return visual().embedPatches(state);
  }

  /**
   * Encodes one text as {@link Forward#EXPLAIN} says, and shows what leads to its embedding; for
   * models that {@link #keepsWeights}.
   *
   * @param ids [1, L], as {@link #encodeText} takes them; its manager owns all that is made
   */
  public Trace traceText(NDArray ids) {
    checkIds(ids);
    requireNoAdapter();
    return text().trace(ids);
  }

  /**
   * Whether the parameters stay as they were loaded, which training and tracing need; not so after
   * {@link #loadForInference}.
   */
  public boolean keepsWeights() {
    return !lean;
  }

  private void requireNoAdapter() {
    if (attached != null) {
      throw new IllegalStateException(
          "an adapter is attached to this model, which a trace does not show; merge it first with"
              + " model.merge(model.detach().get())");
    }
  }

  private Forward adapted(Forward pass) {
    return pass.adapter() == null && attached != null ? pass.with(attached) : pass;
  }

  /**
   * Brings an adapter into native memory, for the passes that name it ({@link Forward#with}); the
   * weights stay as they are. Needs the weights as they were loaded.
   *
   * @return the caller's to close, once no pass uses it
   * @throws IllegalArgumentException if the adapter is of another model, or adds to maps outside
   *     the blocks, which can only be merged
   */
  public AppliedAdapter apply(LoraAdapter adapter) {
    adapter.requireFits(config, values());
    Set<String> places =
        Stream.of(Tower.values())
            .flatMap(tower -> LoraPlace.blocks(config, tower).stream())
            .flatMap(List::stream)
            .map(LoraPlace::key)
            .collect(Collectors.toSet());
    for (LoraAdapter.LowRank map : adapter.maps()) {
      if (!places.contains(map.key())) {
        throw new IllegalArgumentException(
            "the adapter adds to "
                + map.parameter()
                + ", which is no map of a block; merge the adapter instead");
      }
    }
    return new AppliedAdapter(manager, adapter);
  }

  /**
   * Adds an adapter to the model that every pass applies and that can be trained: its matrices are
   * among {@link #parameters}, named by their map with {@code .lora_A} or {@code .lora_B} at the
   * end. One that was attached before is dropped.
   *
   * @throws IllegalArgumentException as {@link #apply}
   */
  public void attach(LoraAdapter adapter) {
    detach();
    attached = apply(adapter);
    parameters.putAll(attached.matrices());
    specs = Stream.concat(specs.stream(), attached.specs().stream()).toList();
  }

  /** Whether an adapter is attached. */
  public boolean hasAdapter() {
    return attached != null;
  }

  /** Returns the attached adapter with its present values, if there is one. */
  public Optional<LoraAdapter> adapter() {
    return Optional.ofNullable(attached).map(AppliedAdapter::values);
  }

  /**
   * Gives the attached adapter the values of another one of the same maps and ranks, in place.
   *
   * @throws IllegalArgumentException if it is of other maps or ranks, or of another model
   */
  public void restoreAdapter(LoraAdapter saved) {
    if (attached == null) {
      throw new IllegalStateException("no adapter is attached to this model");
    }
    saved.requireFits(config, values());
    attached.overwrite(saved);
  }

  /** Whether a parameter is one of the attached adapter's. */
  public boolean isOfAdapter(String parameter) {
    return attached != null && attached.matrices().containsKey(parameter);
  }

  /** Removes the attached adapter, if there is one, and returns it with its present values. */
  public Optional<LoraAdapter> detach() {
    Optional<LoraAdapter> last = adapter();
    if (attached != null) {
      parameters.keySet().removeAll(attached.matrices().keySet());
      specs = ParameterSpec.of(config);
      attached.close();
      attached = null;
    }
    return last;
  }

  /**
   * Adds an adapter to the weights in place, after which passes cost what they did before. Several
   * are merged as one, see {@link LoraAdapter#stacked}.
   *
   * @throws IllegalArgumentException if the adapter is of another model
   * @throws IllegalStateException if one is merged already
   */
  public void merge(LoraAdapter adapter) {
    if (unmerged != null) {
      throw new IllegalStateException(
          "an adapter is merged into this model already; unmerge it first, or merge both stacked");
    }
    ParameterSource base = values();
    ParameterSource sums = adapter.addedTo(config, base);
    Map<String, FloatBuffer> kept = new LinkedHashMap<>();
    for (LoraAdapter.LowRank map : adapter.maps()) {
      kept.computeIfAbsent(
          map.parameter(),
          name -> {
            FloatBuffer values = base.read(name);
            return FloatBuffer.allocate(values.remaining()).put(values).flip();
          });
    }
    Map<String, FloatBuffer> merged = new LinkedHashMap<>();
    kept.keySet().forEach(name -> merged.put(name, sums.read(name)));
    overwrite(merged);
    unmerged = kept;
  }

  /** Gives the weights that a merged adapter changed the bytes that they had before. */
  public void unmerge() {
    if (unmerged == null) {
      throw new IllegalStateException("no adapter is merged into this model");
    }
    overwrite(unmerged);
    unmerged = null;
  }

  private void overwrite(Map<String, FloatBuffer> values) {
    imageWeights.release();
    textWeights.release();
    values.forEach(
        (name, all) ->
            HostMemory.overwrite(
                parameter(name),
                (from, memory) -> memory.put(all.slice((int) from, memory.remaining()))));
  }

  /**
   * Returns the factor by which cosine similarities become logits: exp of the learned parameter.
   */
  public float logitScale() {
    return (float) Math.exp(HostMemory.view(parameters.get("logit_scale")).get(0));
  }

  /**
   * Returns what is added to the scaled cosine similarities of a sigmoid model; 0 where there is no
   * such parameter.
   */
  public float logitBias() {
    NDArray bias = parameters.get("logit_bias");
    return bias == null ? 0 : HostMemory.view(bias).get(0);
  }

  /** Returns the number of trained values. */
  public long parameterCount() {
    return specs.stream().filter(spec -> !spec.buffer()).mapToLong(ParameterSpec::count).sum();
  }

  /** Lets gradients be recorded for every parameter, or no longer. */
  public void setTrainable(boolean trainable) {
    setTrainable(spec -> trainable);
  }

  /** Lets gradients be recorded for some parameters, and for no others. */
  public void setTrainable(Predicate<ParameterSpec> trained) {
    imageWeights.release();
    textWeights.release();
    for (ParameterSpec spec : specs) {
      if (!spec.buffer()) {
        parameter(spec.name()).setRequiresGradient(trained.test(spec));
      }
    }
  }

  @Override
  public void close() {
    manager.close();
  }
}
