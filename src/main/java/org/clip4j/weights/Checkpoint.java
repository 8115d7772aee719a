package org.clip4j.weights;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.clip4j.engine.InputLevels;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.LoraAdapter;
import org.clip4j.model.MaskDecoderConfig;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ResampledPositions;
import org.clip4j.model.StretchedContext;
import org.clip4j.model.TimmStagedConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.jspecify.annotations.Nullable;

/**
 * Opens a model on disk, as one of its publishers leaves it: its architecture, its validation
 * transform, its tokenizer and its parameters.
 *
 * <p>These are read:
 *
 * <ul>
 *   <li>folders of OpenCLIP ({@code open_clip_config.json}; safetensors or {@code .bin}) and of
 *       transformers ({@code config.json} of CLIP, MetaCLIP 2, Chinese-CLIP, SigLIP, NaFlex or
 *       CLIPSeg; safetensors or {@code .bin}, one file or shards with their index), in fp32, fp16
 *       or bf16;
 *   <li>OpenAI's {@code .pt} archives, whose architecture is inferred, as that of Long-CLIP's and
 *       of Apple's MobileCLIP's state dicts is;
 *   <li>OpenCLIP's training checkpoints ({@code epoch_N.pt}) and plain state dicts, for an
 *       architecture that the caller names; also where a model wrapped by PyTorch's compiler or for
 *       several devices was saved, or within {@code state_dict}, {@code model} and the like.
 * </ul>
 *
 * <p>Everything is checked when it is opened, so that a checkpoint that opened can be loaded: the
 * configuration is understood, and the tensors are those that it needs, in their shapes. Values are
 * read from the file when asked for, and are found to be finite then.
 *
 * <p>Safe for use by several threads. Whoever opens it closes it, once the parameters are copied
 * into a model; see {@link TensorFile} for what may happen to the file meanwhile.
 */
public final class Checkpoint implements AutoCloseable {
  private final Layout layout;
  private final Path folder;
  private final ClipConfig config;
  private final ImageTransform transform;
  private final KeyMap keys;
  private final TensorFile tensors;
  private final ParameterSource parameters;
  private final @Nullable MaskDecoderFile masks;

  /** The text tower that another folder has; null where this one has it. */
  private final @Nullable TextModelFolder text;

  Checkpoint(
      Layout layout,
      Path folder,
      ClipConfig config,
      ImageTransform transform,
      KeyMap keys,
      TensorFile tensors,
      ParameterSource parameters,
      @Nullable MaskDecoderFile masks,
      @Nullable TextModelFolder text) {
    this.layout = layout;
    this.folder = folder;
    this.config = config;
    this.transform = transform;
    this.keys = keys;
    this.tensors = tensors;
    this.parameters = parameters;
    this.masks = masks;
    this.text = text;
  }

  private Checkpoint with(
      ClipConfig otherConfig, ImageTransform otherTransform, ParameterSource otherParameters) {
    return new Checkpoint(
        layout, folder, otherConfig, otherTransform, keys, tensors, otherParameters, masks, text);
  }

  /**
   * Opens a checkpoint that says itself what it is.
   *
   * @param path a folder, or a weights file; the file also chooses where a folder holds both
   *     layouts
   * @throws CheckpointException if the folder holds no checkpoint or two, its files are damaged,
   *     disagree or describe an unsupported model, or nothing tells the architecture
   */
  public static Checkpoint open(Path path) throws IOException {
    return open(path, null);
  }

  /**
   * Opens a checkpoint as a given architecture.
   *
   * @param path as for {@link #open(Path)}
   * @param architecture for weights without a configuration; where there is one, the two must
   *     compute the same. Null to take the checkpoint's own
   * @throws CheckpointException as {@link #open(Path)}, or if the weights are not of this
   *     architecture
   */
  public static Checkpoint open(Path path, @Nullable ClipConfig architecture) throws IOException {
    return IoErrors.worded(path, () -> CheckpointReader.open(path, architecture));
  }

  /** The values of a file, found to be finite. */
  static ParameterSource sourceOf(TensorFile tensors) {
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        FloatBuffer values = FloatBuffer.allocate(tensors.arraySize(name));
        copy(name, 0, values);
        return values.flip().asReadOnlyBuffer();
      }

      @Override
      public void copy(String name, long from, FloatBuffer target) {
        tensors.copyFinite(name, from, target);
      }
    };
  }

  /**
   * Returns the same model for images of another size, with resampled positional embeddings, see
   * {@link ResampledPositions}. Never done unless asked for: the model was trained at one size.
   *
   * @return a view of this checkpoint; closing it closes this one
   * @throws IllegalArgumentException if the size is none that the model can take
   */
  public Checkpoint withImageSize(int height, int width) {
    ClipConfig resized = config.withImageSize(height, width);
    return with(
        resized,
        new ImageTransform(
            height,
            width,
            transform.mean(),
            transform.std(),
            transform.interpolation(),
            transform.resizeMode()),
        resized.vision() instanceof TimmStagedConfig
            ? parameters // which depend on no size
            : parameters instanceof ResampledPositions positions
                ? positions.at(resized)
                : new ResampledPositions(
                    parameters, config, resized, ResampledPositions.Rule.OPENCLIP));
  }

  /**
   * Returns the same model for longer texts, to be fine-tuned on them, with stretched positional
   * embeddings, see {@link StretchedContext}. Never done unless asked for: the model was trained
   * with its own.
   *
   * @return a view of this checkpoint; closing it closes this one
   * @throws IllegalArgumentException if the text tower cannot be stretched
   */
  public Checkpoint withStretchedContext() {
    return with(
        StretchedContext.stretched(config), transform, new StretchedContext(parameters, config));
  }

  /**
   * Gives the same model another text tower, which was trained to give embeddings like those of its
   * own.
   *
   * @param textModel a folder of M-CLIP's or of sentence-transformers', whose tokenizer counts, too
   * @return a view of this checkpoint, in OpenCLIP's layout; closing it closes this one
   * @throws CheckpointException if the folder holds no such text tower, or one for other embeddings
   */
  public Checkpoint withTextModel(Path textModel) throws IOException {
    return IoErrors.worded(textModel, () -> withTexts(textModel));
  }

  /**
   * Gives texts the token of another language than the tokenizer's default.
   *
   * @param language as the tokenizer names it, such as {@code deu_Latn} for NLLB's
   * @return a view of this checkpoint; closing it closes this one
   * @throws IllegalArgumentException if the text tower is none that takes such tokens
   */
  public Checkpoint withLanguage(String language) {
    if (!(config.text() instanceof EncoderConfig encoder)) {
      throw new IllegalArgumentException(
          "a " + config.text().family() + " takes no token of a language; leave the language out");
    }
    ClipConfig other =
        config.withText(encoder.withTokenizer(encoder.tokenizer().withLanguage(language)));
    return with(other, transform, parameters);
  }

  private Checkpoint withTexts(Path textModel) throws IOException {
    if (!inputLevels().isEmpty()) {
      throw new IllegalArgumentException(
          weights()
              + " holds weights of 8-bit integers, which go with no other text model; take the"
              + " model that they were made of");
    }
    TextModelFolder opened = TextModelFolder.open(textModel);
    try {
      ClipConfig both = opened.beside(config, weights());
      return new Checkpoint(
          Layout.OPENCLIP,
          folder,
          both,
          transform,
          KeyMap.of(Layout.OPENCLIP, both),
          tensors,
          opened.parameters(both, parameters),
          null,
          opened);
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /**
   * Returns the same model with what an adapter adds to its weights.
   *
   * @return a view of this checkpoint; closing it closes this one
   * @throws IllegalArgumentException if the adapter is of another model
   */
  public Checkpoint withAdapter(LoraAdapter adapter) {
    if (!inputLevels().isEmpty()) {
      throw new IllegalArgumentException(
          weights()
              + " holds weights of 8-bit integers, to which no adapter can be added; add it to the"
              + " model that they were made of");
    }
    return with(config, transform, adapter.addedTo(config, parameters));
  }

  /** Returns the layout the checkpoint was found to have; OpenCLIP's also for OpenAI's archives. */
  public Layout layout() {
    return layout;
  }

  /** Returns the file of tensors, or the index of several. */
  public Path weights() {
    return tensors.file();
  }

  /** Returns the architecture. */
  public ClipConfig config() {
    return config;
  }

  /**
   * Returns the transform that the model was trained for; its publisher's usual one where nothing
   * says.
   */
  public ImageTransform transform() {
    return transform;
  }

  /**
   * Opens the tokenizer that the model was trained with, for the model's context length.
   *
   * @return the caller's to close; empty if the model's is not OpenAI's and its files do not lie
   *     beside it
   * @throws IOException if its files are damaged or of a kind that is not supported; the message
   *     names them
   */
  public Optional<Tokenizer> tokenizer() throws IOException {
    return text == null
        ? CheckpointTokenizer.open(layout, folder, config)
        : CheckpointTokenizer.open(Layout.TRANSFORMERS, text.folder(), config);
  }

  /** Returns what the file holds, by the names in it; not modifiable. */
  public Map<String, TensorInfo> tensors() {
    return tensors.tensors();
  }

  /**
   * Returns all parameters and buffers, as fp32 under OpenCLIP's names.
   *
   * <p>{@code copy} reads the file straight into the target. Unlike those of other sources, the
   * buffers that {@code read} gives stay valid. Either throws an {@link
   * java.io.UncheckedIOException} that names file and tensor where a value is NaN or infinite: no
   * embedding of such a model means anything.
   */
  public ParameterSource parameters() {
    return parameters;
  }

  /**
   * Returns the levels to which the inputs of linear maps are to be rounded, by the maps' names,
   * where the checkpoint was written with weights of 8-bit integers; else empty.
   */
  public Map<String, InputLevels> inputLevels() {
    return QuantizedTensors.inputs(tensors);
  }

  /** Returns the parameters that are stored as 8-bit integers; see {@link #inputLevels}. */
  public Set<String> quantizedWeights() {
    return QuantizedTensors.weights(tensors);
  }

  /**
   * Returns the licence that the model card beside the checkpoint names, such as {@code mit}; else
   * those of the checkpoints that it was made from. Empty if nothing names one.
   */
  public String licence() throws IOException {
    String images = licence(madeFrom());
    String texts = text == null ? "" : ModelCard.licence(text.folder());
    return texts.isEmpty() || texts.equals(images)
        ? images
        : images.isEmpty() ? texts + " of the text model" : images + ", " + texts;
  }

  private String licence(List<ModelOrigin> madeFrom) throws IOException {
    String own = ModelCard.licence(folder);
    return !own.isEmpty()
        ? own
        : madeFrom.stream()
            .map(ModelOrigin::licence)
            .filter(licence -> !licence.isEmpty())
            .distinct()
            .collect(Collectors.joining(", "));
  }

  private List<ModelOrigin> madeFrom() throws IOException {
    Path file = folder.resolve(layout.configFile());
    return Files.exists(file) ? ModelOrigin.read(CheckpointFields.read(file)) : List.of();
  }

  /**
   * Returns the checkpoints that this one was made from, the oldest first, and this one: what
   * {@link CheckpointWriter#optMadeFrom} records in a model that is made from it. Reads the weights
   * once to compute their checksum, unless they lie in the hub's cache.
   */
  public List<ModelOrigin> origins() throws IOException {
    List<ModelOrigin> origins = new ArrayList<>(madeFrom());
    origins.add(ModelOrigin.of(folder, weights(), licence(origins)));
    if (text != null) {
      origins.add(ModelOrigin.of(text.folder(), text.weights(), ModelCard.licence(text.folder())));
    }
    return origins;
  }

  /**
   * Tells of the decoder of masks that lies beside the encoders, as CLIPSeg's checkpoints have one;
   * empty in others.
   */
  public Optional<MaskDecoderConfig> maskDecoder() {
    return Optional.ofNullable(masks).map(MaskDecoderFile::config);
  }

  /**
   * Gives the parameters of that decoder, as fp32 under transformers' names.
   *
   * @throws IllegalStateException if there is none
   */
  public ParameterSource maskDecoderParameters() {
    if (masks == null) {
      throw new IllegalStateException(weights() + " has no decoder of masks");
    }
    return sourceOf(masks.tensors());
  }

  /** How the file's tensors make up the parameters. */
  KeyMap keys() {
    return keys;
  }

  /** Closes the weights file. */
  @Override
  public void close() throws IOException {
    tensors.close();
    if (text != null) {
      text.close();
    }
  }

  /**
   * Writes a model in fp32, see {@link CheckpointWriter}.
   *
   * @param folder is created if it does not exist
   */
  public static void save(
      Path folder,
      Layout layout,
      ClipConfig config,
      ImageTransform transform,
      ParameterSource parameters)
      throws IOException {
    CheckpointWriter.of(config, transform, parameters).write(folder, layout);
  }
}
