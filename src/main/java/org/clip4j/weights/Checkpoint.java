package org.clip4j.weights;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.VisionConfig;

/**
 * A model in a folder, in OpenCLIP's or transformers' layout: its architecture, its validation
 * transform and its parameters.
 *
 * <p>Everything is checked when it is opened, so that a checkpoint that opened can be loaded: the
 * configuration is understood, and the tensors are those that it needs, in their shapes. Values are
 * read from the file when asked for.
 *
 * <p>Safe for use by several threads. Whoever opens it closes it, once the parameters are copied
 * into a model; see {@link TensorFile} for what may happen to the file meanwhile.
 */
public final class Checkpoint implements AutoCloseable {
  private static final String PREPROCESSOR = "preprocessor_config.json";
  private static final String PROCESSOR = "processor_config.json";

  /** What publishers also name their weights, in forms that are not read here. */
  private static final List<String> OTHER_WEIGHTS =
      List.of("model.safetensors.index.json", "pytorch_model.bin", "open_clip_pytorch_model.bin");

  private final Layout layout;
  private final ClipConfig config;
  private final ImageTransform transform;
  private final KeyMap keys;
  private final TensorFile tensors;
  private final ParameterSource parameters;

  private Checkpoint(
      Layout layout, ClipConfig config, ImageTransform transform, KeyMap keys, TensorFile tensors) {
    this.layout = layout;
    this.config = config;
    this.transform = transform;
    this.keys = keys;
    this.tensors = tensors;
    parameters = keys.toCanonical(sourceOf(tensors));
  }

  /**
   * Opens a checkpoint and finds out its layout.
   *
   * @param path a folder, or a weights file with its configuration beside it; the file also chooses
   *     where a folder holds both layouts
   * @throws CheckpointException if the folder holds no checkpoint or two, or its files are damaged,
   *     disagree or describe an unsupported model
   */
  public static Checkpoint open(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      Layout layout = layoutOf(path);
      return open(path, layout, path.resolve(layout.weightsFile()));
    }
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no checkpoint there");
    }
    Path folder = path.toAbsolutePath().getParent();
    String name = path.getFileName().toString();
    for (Layout layout : Layout.values()) {
      if (name.equals(layout.weightsFile())) {
        return open(folder, layout, path);
      }
    }
    List<Layout> configured =
        Arrays.stream(Layout.values())
            .filter(layout -> Files.isRegularFile(folder.resolve(layout.configFile())))
            .toList();
    if (configured.size() != 1) {
      throw new CheckpointException(
          path
              + " has "
              + (configured.isEmpty() ? "neither " : "both ")
              + Arrays.stream(Layout.values())
                  .map(Layout::configFile)
                  .collect(Collectors.joining(configured.isEmpty() ? " nor " : " and "))
              + " beside it; it needs one of them to say what its tensors are");
    }
    return open(folder, configured.get(0), path);
  }

  /** The one layout that a folder holds completely. */
  private static Layout layoutOf(Path folder) throws CheckpointException {
    List<Layout> complete =
        Arrays.stream(Layout.values()).filter(layout -> layout.isCompleteIn(folder)).toList();
    if (complete.size() == 1) {
      return complete.get(0);
    }
    if (complete.size() > 1) {
      throw new CheckpointException(
          folder
              + " holds a checkpoint in OpenCLIP's layout and one in transformers'; open "
              + folder.resolve(Layout.OPENCLIP.weightsFile())
              + " or "
              + folder.resolve(Layout.TRANSFORMERS.weightsFile())
              + " to choose");
    }
    StringBuilder message = new StringBuilder(folder + " holds no complete checkpoint:");
    for (Layout layout : Layout.values()) {
      List<String> missing = new ArrayList<>(List.of(layout.configFile(), layout.weightsFile()));
      missing.removeIf(name -> Files.isRegularFile(folder.resolve(name)));
      message.append(
          "\n  "
              + layout.name().toLowerCase(Locale.ROOT)
              + " lacks "
              + String.join(" and ", missing));
    }
    for (String other : OTHER_WEIGHTS) {
      if (Files.isRegularFile(folder.resolve(other))) {
        message.append("\n  " + other + " is there, but shards and PyTorch files are not read yet");
      }
    }
    throw new CheckpointException(message.toString());
  }

  private static Checkpoint open(Path folder, Layout layout, Path weights) throws IOException {
    Path configFile = folder.resolve(layout.configFile());
    JsonFields json = JsonFields.read(configFile);
    ClipConfig config;
    ImageTransform transform;
    if (layout == Layout.OPENCLIP) {
      config = openClipConfig(configFile, json);
      transform = TransformJson.readOpenClip(json.object("preprocess_cfg"), config.vision());
    } else {
      config = TransformersConfig.read(json);
      transform = transformersTransform(folder, config.vision());
    }
    KeyMap keys = KeyMap.of(layout, config);
    TensorFile tensors = SafeTensors.open(weights);
    try {
      keys.check(weights, tensors.tensors());
    } catch (CheckpointException | RuntimeException e) {
      tensors.close();
      throw e;
    }
    return new Checkpoint(layout, config, transform, keys, tensors);
  }

  private static ClipConfig openClipConfig(Path file, JsonFields json) throws CheckpointException {
    if (!json.has("model_cfg")) {
      throw json.bad("model_cfg", "OpenCLIP's configuration keeps the model there");
    }
    try {
      return ClipConfigJson.read(json.object("model_cfg").json());
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + e.getMessage(), e);
    }
  }

  private static ImageTransform transformersTransform(Path folder, VisionConfig vision)
      throws IOException {
    if (Files.isRegularFile(folder.resolve(PREPROCESSOR))) {
      JsonFields json = JsonFields.read(folder.resolve(PREPROCESSOR));
      return TransformJson.readTransformers(json, vision);
    }
    if (Files.isRegularFile(folder.resolve(PROCESSOR))) { // since transformers 5
      JsonFields json = JsonFields.read(folder.resolve(PROCESSOR));
      if (json.has("image_processor")) {
        return TransformJson.readTransformers(json.object("image_processor"), vision);
      }
    }
    return ImageTransform.openai(vision.imageHeight(), vision.imageWidth());
  }

  private static ParameterSource sourceOf(TensorFile tensors) {
    return new ParameterSource() {
      @Override
      public FloatBuffer read(String name) {
        return tensors.floats(name);
      }

      @Override
      public void copy(String name, long from, FloatBuffer target) {
        tensors.copy(name, from, target);
      }
    };
  }

  /** The layout the folder was found to have. */
  public Layout layout() {
    return layout;
  }

  /** The architecture. */
  public ClipConfig config() {
    return config;
  }

  /** The transform that the model was trained for; OpenAI's where the folder does not say. */
  public ImageTransform transform() {
    return transform;
  }

  /**
   * All parameters and buffers, as fp32 under OpenCLIP's names.
   *
   * <p>{@code copy} reads the file straight into the target. Unlike those of other sources, the
   * buffers that {@code read} gives stay valid.
   */
  public ParameterSource parameters() {
    return parameters;
  }

  /** How the file's tensors make up the parameters. */
  public KeyMap keys() {
    return keys;
  }

  /** Closes the weights file. */
  @Override
  public void close() throws IOException {
    tensors.close();
  }

  /**
   * Writes a model as a folder that this library and the layout's own opens.
   *
   * <p>Each file is written beside the one it replaces and synced; then all take their places, the
   * weights last, so that a folder with weights is complete. A failure before that leaves the
   * folder as it was. The folder may be the one that the parameters are read from, except on
   * Windows, which does not replace an open file.
   *
   * <p>In the transformers layout the tokenizer's files come along when the vocabulary has OpenAI's
   * 49408 ids; another vocabulary is the caller's to add. Its end token is then written as 2, by
   * which transformers takes a text's embedding at the highest id, as this library does.
   *
   * @param folder is created if it does not exist
   * @param layout to write; transformers' holds neither a ModifiedResNet nor LayerScale nor images
   *     that are not square
   * @param config the architecture
   * @param transform of the size that the architecture takes
   * @param parameters every parameter and buffer of the architecture, fp32
   * @throws IllegalArgumentException if the layout cannot hold the model, or the transform or a
   *     parameter is of another size than the architecture's
   */
  public static void save(
      Path folder,
      Layout layout,
      ClipConfig config,
      ImageTransform transform,
      ParameterSource parameters)
      throws IOException {
    VisionConfig vision = config.vision();
    if (transform.height() != vision.imageHeight() || transform.width() != vision.imageWidth()) {
      throw new IllegalArgumentException(
          "the transform gives images of "
              + transform.height()
              + " x "
              + transform.width()
              + " pixels but the model takes "
              + vision.imageHeight()
              + " x "
              + vision.imageWidth());
    }
    KeyMap keys = KeyMap.of(layout, config);
    Files.createDirectories(folder);
    try (StagedFiles staged = new StagedFiles()) {
      Path configFile = folder.resolve(layout.configFile());
      if (layout == Layout.OPENCLIP) {
        JsonObject json = new JsonObject();
        json.add("model_cfg", ClipConfigJson.write(config));
        json.add("preprocess_cfg", TransformJson.writeOpenClip(transform));
        staged.write(configFile, JsonFields.format(json));
      } else {
        staged.write(configFile, JsonFields.format(TransformersConfig.write(config, "float32")));
        staged.write(
            folder.resolve(PREPROCESSOR),
            JsonFields.format(TransformJson.writeTransformers(transform)));
        if (config.text().vocabSize() == TransformersConfig.OPENAI_VOCABULARY) {
          staged.write(folder.resolve("tokenizer.json"), TransformersTokenizer.tokenizer());
          staged.write(
              folder.resolve("tokenizer_config.json"),
              TransformersTokenizer.config(config.text().contextLength()));
        }
      }
      Path weights = folder.resolve(layout.weightsFile());
      SafeTensorsWriter writer =
          SafeTensorsWriter.stage(staged, weights, keys.storedTensors(), Map.of());
      ParameterSource stored = keys.toStored(parameters);
      for (SafeTensorsWriter.Entry entry : keys.storedTensors()) {
        writer.write(entry.name(), stored);
      }
      writer.finish();
      staged.commit();
    }
  }
}
