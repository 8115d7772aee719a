package org.clip4j;

import ai.djl.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;
import org.clip4j.encode.Encoder;
import org.clip4j.engine.Precision;
import org.clip4j.hub.DownloadListener;
import org.clip4j.hub.Hub;
import org.clip4j.image.ImageDecoder;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ClipModel.Tower;
import org.clip4j.model.KernelSurvey;
import org.clip4j.model.LoraAdapter;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.Checkpoint;
import org.clip4j.weights.PeftAdapter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects the options for loading a {@link Clip}; {@link Clip#loader(String)} makes one.
 *
 * <pre>{@code
 * Clip clip = Clip.loader("run/checkpoints/epoch_30.pt").optArchitecture("ViT-B-32").load();
 * }</pre>
 */
public final class ClipLoader {
  private static final Logger LOG = LoggerFactory.getLogger(ClipLoader.class);

  private final String name; // null where a path is given
  private final Path path; // null where a name is given
  private Hub hub;
  private DownloadListener downloads = DownloadListener.SILENT;
  private Device device = Device.cpu();
  private ClipConfig architecture;
  private Precision precision = Precision.FP32;
  private boolean prepared = true;
  private boolean keepsWeights;
  private @Nullable Duration unloadAfter;
  private LongSupplier clock = System::nanoTime;
  private Set<Tower> towers = EnumSet.allOf(Tower.class);
  private ImageDecoder decoder = ImageDecoder.defaults();
  private final List<Path> merged = new ArrayList<>();
  private final Map<String, Path> named = new LinkedHashMap<>();
  private @Nullable String textModel;
  private @Nullable String language;
  private int imageHeight;
  private int imageWidth;
  private boolean stretched;

  ClipLoader(String name) {
    this.name = Objects.requireNonNull(name, "name");
    this.path = null;
  }

  ClipLoader(Path path) {
    this.name = null;
    this.path = Objects.requireNonNull(path, "path");
  }

  /**
   * Sets where models are fetched that are named; by default what the environment says, see {@link
   * Hub}.
   */
  public ClipLoader optHub(Hub hub) {
    this.hub = hub;
    return this;
  }

  /** Sets the listener that is told how far a download is; by default there is none. */
  public ClipLoader optDownloadListener(DownloadListener listener) {
    downloads = listener;
    return this;
  }

  /** Sets the device on which the model computes; the CPU by default. */
  public ClipLoader optDevice(Device device) {
    this.device = device;
    return this;
  }

  /**
   * Sets the precision of matrix products and attention; {@link Precision#FP32} by default.
   * Embeddings are float32 in all of them.
   */
  public ClipLoader optPrecision(Precision precision) {
    this.precision = precision;
    return this;
  }

  /**
   * Sets whether the weights of an encoder are laid out for inference when it is first used, and
   * kept so beside the weights as they are; true by default. Without it inference takes half the
   * memory, and more time.
   */
  public ClipLoader optPrepared(boolean prepared) {
    this.prepared = prepared;
    return this;
  }

  /**
   * Sets whether the weights are kept as they were beside what is laid out for inference; false by
   * default. Whoever trains {@link Clip#model} or reads its parameters needs this; it takes the
   * memory of the weights once more.
   */
  public ClipLoader optKeepWeights(boolean keep) {
    keepsWeights = keep;
    return this;
  }

  /**
   * Frees the model whenever it has not been used for some time; the next call loads it again and
   * takes as long as loading does. The files must stay where and as they are. Not for models with
   * adapters that calls name, nor for {@link Clip#explainer}.
   *
   * @param time above 0; it is freed up to an eighth later
   */
  public ClipLoader optUnloadAfter(Duration time) {
    return optUnloadAfter(time, System::nanoTime);
  }

  ClipLoader optUnloadAfter(Duration time, LongSupplier nanoTime) {
    if (time.isNegative() || time.isZero()) {
      throw new IllegalArgumentException(
          "the time after which a model is freed is above 0, found " + time);
    }
    unloadAfter = time;
    clock = nanoTime;
    return this;
  }

  /** Leaves the text encoder out: it is not read, and takes no memory. */
  public ClipLoader optImagesOnly() {
    towers = EnumSet.of(Tower.IMAGES);
    return this;
  }

  /** Leaves the image encoder out: it is not read, and takes no memory. */
  public ClipLoader optTextsOnly() {
    towers = EnumSet.of(Tower.TEXTS);
    return this;
  }

  /**
   * Sets how images are decoded: what becomes of transparency and of the EXIF orientation, and how
   * large one may be. By default {@link ImageDecoder#defaults()}.
   */
  public ClipLoader optDecoder(ImageDecoder decoder) {
    this.decoder = decoder;
    return this;
  }

  /**
   * Sets the architecture of weights that come without a configuration, such as a training
   * checkpoint of OpenCLIP's.
   *
   * @param name one of {@link ClipConfig#names()}
   */
  public ClipLoader optArchitecture(String name) {
    return optArchitecture(ClipConfig.named(name));
  }

  /**
   * Sets the architecture as {@link #optArchitecture(String)} does; null takes the checkpoint's
   * own.
   */
  public ClipLoader optArchitecture(@Nullable ClipConfig architecture) {
    this.architecture = architecture;
    return this;
  }

  /**
   * Loads a Vision Transformer for images of another size than it was trained on, with resampled
   * positional embeddings.
   *
   * @param height in pixels, at least a patch
   * @param width in pixels, at least a patch
   */
  public ClipLoader optImageSize(int height, int width) {
    imageHeight = height;
    imageWidth = width;
    return this;
  }

  /**
   * Takes another text tower than the model's own: one that was trained to give the same embeddings
   * for texts of other languages, as those of M-CLIP and of sentence-transformers.
   *
   * <pre>{@code
   * Clip clip =
   *     Clip.loader("openai/clip-vit-base-patch32")
   *         .optTextModel("sentence-transformers/clip-ViT-B-32-multilingual-v1")
   *         .load();
   * }</pre>
   *
   * @param name a model on the hub, or a folder
   */
  public ClipLoader optTextModel(@Nullable String name) {
    textModel = name;
    return this;
  }

  /**
   * Sets the language of texts, for a model that is told it: texts of NLLB-CLIP begin with a token
   * of their language, which is {@code eng_Latn} by default.
   *
   * @param language as the model's tokenizer names it, such as {@code deu_Latn}
   */
  public ClipLoader optTextLanguage(@Nullable String language) {
    this.language = language;
    return this;
  }

  /**
   * Loads a model of CLIP's kind for texts of 248 tokens instead of 77, with stretched positional
   * embeddings as Long-CLIP begins with; to be fine-tuned on long captions.
   *
   * @see org.clip4j.model.StretchedContext
   */
  public ClipLoader optStretchedContext() {
    stretched = true;
    return this;
  }

  /**
   * Adds an adapter to the weights, as Python's {@code peft} and {@link
   * org.clip4j.train.ClipTrainer.Builder#optLora} leave them; the model then costs what it did
   * without.
   *
   * @param folder with {@code adapter_config.json} and {@code adapter_model.safetensors}
   */
  public ClipLoader optAdapter(Path folder) {
    merged.add(folder);
    return this;
  }

  /**
   * Loads an adapter beside the weights, for the calls that name it ({@link Clip#adapted}). Takes
   * the memory of the weights once more, as {@link #optKeepWeights} does.
   *
   * @param folder as for {@link #optAdapter(Path)}
   */
  public ClipLoader optAdapter(String name, Path folder) {
    named.put(name, folder);
    return this;
  }

  /**
   * Loads the model with these options.
   *
   * @throws UncheckedIOException if the checkpoint cannot be had or read, or is not a model that
   *     this library knows; the message names it and what is wrong
   */
  public Clip load() {
    try (Checkpoint opened = openCheckpoint()) {
      if (precision != Precision.FP32 && !opened.inputLevels().isEmpty()) {
        throw new IllegalArgumentException(
            opened.weights()
                + " holds weights of 8-bit integers, which are not computed in "
                + precision
                + "; leave the precision out");
      }
      if (unloadAfter != null && !named.isEmpty()) {
        throw new IllegalArgumentException(
            "a model with adapters that calls name cannot be freed meanwhile; load "
                + named.keySet()
                + " into the weights, without a name, or leave the time out");
      }
      Map<String, LoraAdapter> adapters = new LinkedHashMap<>();
      for (Map.Entry<String, Path> entry : named.entrySet()) {
        adapters.put(entry.getKey(), adapter(entry.getValue(), opened));
      }
      String licence = opened.licence();
      if (!licence.isEmpty()) {
        LOG.info("The model {} names the licence {}.", this, licence);
      }
      if (opened.maskDecoder().isPresent()) {
        LOG.info(
            "The model {} has a decoder of masks, which is left out here; what segments images is"
                + " org.clip4j.segment.ClipSegmenter.",
            this);
      }
      Tokenizer tokenizer = opened.tokenizer().orElse(null);
      ClipModel model;
      try {
        if (prepared) {
          KernelSurvey.ahead(opened.config(), device, precision, !opened.inputLevels().isEmpty());
        }
        model = model(opened);
        requireFiniteScale(model, opened.weights());
      } catch (IOException | RuntimeException | Error e) {
        if (tokenizer != null) {
          tokenizer.close();
        }
        throw e;
      }
      return Clip.of(
          model,
          new ClipParts(opened.transform(), tokenizer, decoder, this::openCheckpoint, adapters),
          () -> encoder(model, opened, tokenizer),
          unloadAfter == null
              ? null
              : new IdleModel(unloadAfter, clock, () -> loadAgain(tokenizer)));
    } catch (IOException e) {
      throw IoErrors.isInterruption(e)
          ? new UncheckedIOException("loading " + this + " was interrupted", e)
          : IoErrors.unchecked(e);
    }
  }

  private IdleModel.Loaded loadAgain(@Nullable Tokenizer tokenizer) throws IOException {
    try (Checkpoint opened = openCheckpoint()) {
      ClipModel model = model(opened);
      try {
        return new IdleModel.Loaded(model, encoder(model, opened, tokenizer));
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    }
  }

  private boolean keeps() {
    return keepsWeights || !named.isEmpty(); // adapters are applied beside them
  }

  private ClipModel model(Checkpoint opened) {
    if (prepared && !keeps() && !opened.inputLevels().isEmpty()) {
      return ClipModel.loadQuantized(
          opened.config(),
          opened.parameters(),
          device,
          towers,
          opened.quantizedWeights(),
          opened.inputLevels());
    }
    return prepared && !keeps() || towers.size() == 1
        ? ClipModel.loadForInference(opened.config(), opened.parameters(), device, towers)
        : ClipModel.load(opened.config(), opened.parameters(), device);
  }

  private Encoder encoder(ClipModel model, Checkpoint opened, @Nullable Tokenizer tokenizer) {
    precision.requireOn(device);
    if (!prepared || opened.inputLevels().isEmpty()) {
      return Encoder.ofFixed(model, opened.transform(), tokenizer, precision, prepared);
    }
    return keeps()
        ? Encoder.ofQuantized(model, opened.transform(), tokenizer, opened.inputLevels())
        : Encoder.ofFixed(model, opened.transform(), tokenizer, precision, false); // laid out
  }

  private static void requireFiniteScale(ClipModel model, Path weights) throws IOException {
    if (!Float.isFinite(model.logitScale())) {
      model.close();
      throw new IOException(
          weights
              + ": the exponential of logit_scale is too large for a float; that of CLIP models is"
              + " about 100");
    }
  }

  /**
   * Opens what {@link #load()} would load, for those who want the parts: to train a model further,
   * or to convert it.
   *
   * @return the caller's to close
   * @throws IOException as {@link #load()}
   */
  public Checkpoint openCheckpoint() throws IOException {
    Checkpoint opened = Checkpoint.open(locate(), architecture);
    try {
      if (textModel != null) {
        opened = opened.withTextModel(locateTextModel());
      }
      if (language != null) {
        opened = opened.withLanguage(language);
      }
      if (imageHeight != 0) {
        opened = opened.withImageSize(imageHeight, imageWidth);
      }
      if (stretched) {
        opened = opened.withStretchedContext();
      }
      List<LoraAdapter> adapters = new ArrayList<>();
      for (Path folder : merged) {
        adapters.add(adapter(folder, opened));
      }
      return adapters.isEmpty() ? opened : opened.withAdapter(LoraAdapter.stacked(adapters));
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /** Reads an adapter that fits a checkpoint. */
  private LoraAdapter adapter(Path folder, Checkpoint base) throws IOException {
    try {
      LoraAdapter adapter = PeftAdapter.read(folder, base.config());
      adapter.requireFits(base.config(), base.parameters());
      return adapter;
    } catch (IllegalArgumentException e) {
      throw new IOException("the adapter in " + folder + ": " + IoErrors.message(e), e);
    }
  }

  /**
   * Finds the folder or file that {@link #load()} would load; a model of the hub's is downloaded
   * unless it is in the cache. A file or folder of a name goes before a model on the hub.
   *
   * @throws IOException if there is none; the message says what was looked for where
   */
  public Path locate() throws IOException {
    return path != null
        ? ModelNames.existing(path)
        : ModelNames.locate(
            name,
            this::hub,
            id ->
                architecture == null
                    ? hub().fetch(id, downloads).weights()
                    : hub().fetchForArchitecture(id, downloads).weights());
  }

  private Path locateTextModel() throws IOException {
    return ModelNames.locate(textModel, this::hub, id -> hub().fetch(id, downloads).folder());
  }

  private Hub hub() {
    return hub != null ? hub : Hub.fromEnvironment();
  }

  @Override
  public String toString() {
    return path != null ? path.toString() : name;
  }
}
