package org.clip4j.model;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.ComputeThread;
import org.clip4j.engine.internal.HostMemory;
import org.clip4j.engine.internal.QuantizedKernels;
import org.jspecify.annotations.Nullable;

/**
 * Computes CLIP: an image encoder and a text encoder that end in one embedding space, and the
 * learned scale of their cosine similarities (Radford et al. 2021, section 2.3).
 *
 * <p>Owns its parameters in native memory until closed. Any number of threads may encode at once;
 * training is for one thread, with none encoding meanwhile.
 */
public final class ClipModel implements AutoCloseable {
  private final ClipConfig config;
  private final ModelWeights weights;
  private final @Nullable ImageTower visual;
  private final @Nullable TextTower text;
  private final InferenceWeights imageWeights;
  private final InferenceWeights textWeights;
  private final ModelAdapters adapters;

  /** Names the halves of a model. */
  public enum Tower {
    IMAGES,
    TEXTS;

    static Optional<Tower> of(ParameterSpec spec) {
      return spec.name().startsWith("logit_")
          ? Optional.empty()
          : Optional.of(spec.name().startsWith("visual.") ? IMAGES : TEXTS);
    }
  }

  private ClipModel(ClipConfig config, Set<Tower> towers, ModelWeights weights) {
    this.config = config;
    this.weights = weights;
    try {
      NDManager manager = weights.manager();
      Map<String, NDArray> given = weights.given();
      visual =
          towers.contains(Tower.IMAGES) ? ImageDeclaration.of(config).tower(manager, given) : null;
      text = towers.contains(Tower.TEXTS) ? TextDeclaration.of(config).tower(manager, given) : null;
    } catch (RuntimeException | Error e) {
      weights.close();
      throw e;
    }
    imageWeights =
        new InferenceWeights(weights, () -> visual().activation(), laid -> visual().prepare(laid));
    textWeights =
        new InferenceWeights(weights, () -> text().activation(), laid -> text().prepare(laid));
    adapters = new ModelAdapters(config, weights, this::releasePrepared);
  }

  private static ClipModel of(
      ClipConfig config,
      ParameterSource source,
      Device device,
      Set<Tower> towers,
      boolean freed,
      Set<String> later) {
    return new ClipModel(
        config, towers, new ModelWeights(config, device, source, towers, freed, later));
  }

  /**
   * Makes a model with random weights, drawn as OpenCLIP draws them.
   *
   * @param seed the same seed gives the same weights on every machine
   */
  public static ClipModel create(ClipConfig config, long seed) {
    return create(config, seed, Device.cpu());
  }

  /** Makes a model as {@link #create(ClipConfig, long)} does, on a device. */
  public static ClipModel create(ClipConfig config, long seed, Device device) {
    return load(config, new RandomParameters(config, seed), device);
  }

  /** Makes a model with a copy of the given weights. */
  public static ClipModel load(ClipConfig config, ParameterSource source) {
    return load(config, source, Device.cpu());
  }

  /** Loads a model as {@link #load(ClipConfig, ParameterSource)} does, onto a device. */
  public static ClipModel load(ClipConfig config, ParameterSource source, Device device) {
    return of(config, source, device, EnumSet.allOf(Tower.class), false, Set.of());
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
    return of(config, source, device, towers, true, Set.of());
  }

  /**
   * Loads as {@link #loadForInference} does, with weights that are laid out as 8-bit integers at
   * once (see {@link #quantizeImages}), so that they are never all there as floats.
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
    ClipModel model = of(config, source, device, towers, true, weights);
    try {
      try (ComputeThread thread = ComputeThread.alone()) { // a team of the caller's would stay
        thread.call(
            () -> {
              model.quantize(inputs);
              return null;
            });
      }
      model.weights.loaded();
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  private void quantize(Map<String, InputLevels> inputs) {
    if (text != null) { // first, while its table of tokens is all that is there
      quantizeTexts(inputs);
    }
    if (visual != null) {
      quantizeImages(inputs);
    }
  }

  private ImageTower visual() {
    if (visual == null) {
      throw new IllegalStateException("this model was loaded without its image encoder");
    }
    return visual;
  }

  private TextTower text() {
    if (text == null) {
      throw new IllegalStateException("this model was loaded without its text encoder");
    }
    return text;
  }

  /** Returns whether all parameters are there: none was left out or freed. */
  public boolean isComplete() {
    return weights.isComplete();
  }

  /** Returns the architecture. */
  public ClipConfig config() {
    return config;
  }

  /** Returns the owner of the parameters; give every call a sub-manager of it, and close that. */
  public NDManager manager() {
    return weights.manager();
  }

  /** Returns parameters and buffers by name, in OpenCLIP's naming; they are the model's own. */
  public Map<String, NDArray> parameters() {
    return weights.arrays();
  }

  /** Describes each of {@link #parameters()}. */
  public List<ParameterSpec> specs() {
    return weights.specs();
  }

  /** Returns the current values of the parameters and buffers, for saving. */
  public ParameterSource values() {
    return weights;
  }

  /**
   * Lays the image encoder's weights out so that {@link Forward#EVALUATE} passes of a precision are
   * fastest, and casts them to it. Takes the memory of the encoder's weights once more, in that
   * precision. Lasts until {@link #setTrainable}; call it again after weights have been changed
   * otherwise. While it runs, none may encode.
   */
  public void prepareImages(Precision precision) {
    imageWeights.prepare(precision);
  }

  /** Lays out the text encoder's weights as {@link #prepareImages} does the image encoder's. */
  public void prepareTexts(Precision precision) {
    textWeights.prepare(precision);
  }

  /**
   * Lays the image encoder's weights out as 8-bit integers, for {@link Forward#EVALUATE} passes in
   * float32. Lasts as {@link #prepareImages} does.
   *
   * @param inputs the levels of the maps' inputs by the maps' names, see {@link InputObserver};
   *     maps that are not named are computed in float32
   */
  public void quantizeImages(Map<String, InputLevels> inputs) {
    imageWeights.quantize(inputs);
  }

  /** Quantizes the text encoder as {@link #quantizeImages} does the image encoder. */
  public void quantizeTexts(Map<String, InputLevels> inputs) {
    textWeights.quantize(inputs);
  }

  /**
   * Notes from now on what the inputs of the image encoder's linear maps are like in {@link
   * Forward#EVALUATE} passes in float32. Lasts as {@link #prepareImages} does; until then calls
   * must not overlap.
   *
   * @return empty if the encoder's weights are not laid out for inference (ModifiedResNet)
   */
  public Optional<InputObserver> observeImages() {
    return imageWeights.observe();
  }

  /** Observes the text encoder as {@link #observeImages} does the image encoder. */
  public InputObserver observeTexts() {
    return textWeights.observe().orElseThrow();
  }

  /**
   * Encodes images.
   *
   * @param pixels [N, 3, height, width], float32, normalised; its manager owns the result and all
   *     on the way. Of a NaFlex tower they are [N, M + 1, P P 3]: up to M patches of each image,
   *     row by row, their values row by row with the channels last, then anything in place of the
   *     missing ones, and at last a row whose first two values are the numbers of rows and of
   *     columns of patches
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
   * Computes the first blocks of the image encoder alone, for what is made of their output.
   *
   * @param pixels as {@link #encodeImage} takes them
   * @param blocks how many of them
   * @param hiddenStates given the output of the embedding, [N, L, D], and of each of these blocks
   * @throws IllegalArgumentException if the image tower is no transformer over patches
   */
  public void imageStates(
      Forward pass, NDArray pixels, int blocks, Consumer<NDArray> hiddenStates) {
    TowerInputs.checkPixels(config.vision(), pixels.getShape());
    visual().states(adapters.in(pass), pixels, blocks, hiddenStates);
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
    TowerInputs.checkPixels(config.vision(), pixels.getShape());
    return visual().forward(adapters.in(pass), pixels, kept, hiddenStates);
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
    TowerInputs.checkIds(config.text(), ids.getShape());
    return text().forward(adapters.in(pass), ids, hiddenStates);
  }

  /**
   * Encodes one image as {@link Forward#EXPLAIN} says, and shows what leads to its embedding; for
   * models that {@link #keepsWeights}.
   *
   * @param pixels [1, 3, height, width], as {@link #encodeImage} takes them; its manager owns all
   *     that is made
   */
  public Trace traceImage(NDArray pixels) {
    TowerInputs.checkPixels(config.vision(), pixels.getShape());
    adapters.requireNoneAttached();
    return visual().trace(pixels);
  }

  /**
   * Computes what the image encoder's head makes of each patch alone.
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
    TowerInputs.checkIds(config.text(), ids.getShape());
    adapters.requireNoneAttached();
    return text().trace(ids);
  }

  /**
   * Returns whether the parameters stay as they were loaded, which training and tracing need; not
   * so after {@link #loadForInference}.
   */
  public boolean keepsWeights() {
    return weights.isKept();
  }

  /** Returns what is added to the weights of the linear maps, see {@link LoraAdapter}. */
  public ModelAdapters adapters() {
    return adapters;
  }

  /**
   * Returns the factor by which cosine similarities become logits: exp of the learned parameter.
   */
  public float logitScale() {
    return (float) Math.exp(HostMemory.view(weights.get("logit_scale")).get(0));
  }

  /**
   * Returns what is added to the scaled cosine similarities of a sigmoid model; 0 where there is no
   * such parameter.
   */
  public float logitBias() {
    NDArray bias = weights.arrays().get("logit_bias");
    return bias == null ? 0 : HostMemory.view(bias).get(0);
  }

  /** Returns the number of trained values. */
  public long parameterCount() {
    return specs().stream().filter(spec -> !spec.buffer()).mapToLong(ParameterSpec::count).sum();
  }

  /** Lets gradients be recorded for every parameter, or no longer. */
  public void setTrainable(boolean trainable) {
    setTrainable(spec -> trainable);
  }

  /**
   * Lets gradients be recorded for some parameters, and for no others.
   *
   * @throws IllegalStateException if they are of an image tower whose branches are folded
   */
  public void setTrainable(Predicate<ParameterSpec> trained) {
    releasePrepared();
    boolean folded = config.vision() instanceof FastVitConfig tower && tower.folded();
    for (ParameterSpec spec : specs()) {
      boolean trains = !spec.buffer() && trained.test(spec);
      if (trains && folded && Tower.of(spec).filter(Tower.IMAGES::equals).isPresent()) {
        throw new IllegalStateException(
            "the branches of this model's image tower are folded (its weights have "
                + spec.name()
                + "), so it cannot be trained; load a checkpoint with branches, or freeze the"
                + " image tower");
      }
      if (!spec.buffer()) {
        weights.get(spec.name()).setRequiresGradient(trains);
      }
    }
  }

  private void releasePrepared() {
    imageWeights.release();
    textWeights.release();
  }

  @Override
  public void close() {
    weights.close();
  }
}
