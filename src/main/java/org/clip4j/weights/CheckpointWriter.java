package org.clip4j.weights;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.clip4j.engine.InputLevels;
import org.clip4j.image.ImageTransform;
import org.clip4j.image.ImageTransform.ResizeMode;
import org.clip4j.io.IoErrors;
import org.clip4j.io.StagedFiles;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.SigLipConfig;
import org.clip4j.model.VisionConfig;
import org.clip4j.text.Tokenizer;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.TensorType;
import org.jspecify.annotations.Nullable;

/**
 * Writes a model as a folder that this library and the layout's own opens.
 *
 * <p>Each file is written beside the one it replaces and synced; then all take their places, the
 * configuration last, so that a folder with a configuration is complete and a new one never stands
 * beside old weights. A failure before that leaves the folder as it was. The folder may be the one
 * that the parameters are read from, except on Windows, which does not replace an open file.
 *
 * <p>The tokenizer's files come along: OpenAI's in the transformers layout, where the model has
 * that vocabulary; of another tokenizer those that are given. What {@code config.json} has no words
 * for (OpenCLIP's cleaning of texts, for one) stands in it under {@code open_clip_model_cfg}.
 */
public final class CheckpointWriter {
  /** In {@code config.json}; transformers ignores it. */
  static final String MODEL_CFG = "open_clip_model_cfg";

  private final ClipConfig config;
  private final ImageTransform transform;
  private final ParameterSource parameters;
  private TensorType type = TensorType.F32;
  private List<Path> tokenizerFiles = List.of();
  private Set<String> quantized = Set.of();
  private Map<String, InputLevels> inputs = Map.of();
  private List<ModelOrigin> madeFrom = List.of();

  private CheckpointWriter(
      ClipConfig config, ImageTransform transform, ParameterSource parameters) {
    this.config = config;
    this.transform = transform;
    this.parameters = parameters;
  }

  /**
   * Makes a writer of a model.
   *
   * @param config the architecture
   * @param transform of the size that the architecture takes
   * @param parameters every parameter and buffer of the architecture, fp32
   * @throws IllegalArgumentException if the transform is of another size
   */
  public static CheckpointWriter of(
      ClipConfig config, ImageTransform transform, ParameterSource parameters) {
    VisionConfig vision = config.vision();
    boolean naFlex = vision instanceof SigLipConfig tower && tower.naFlex();
    if (naFlex != (transform.resizeMode() == ResizeMode.PATCHES)
        || naFlex && transform.height() != ((SigLipConfig) vision).patchSize()) {
      throw new IllegalArgumentException(
          "the transform (" + transform.resizeMode() + ") is not one for a " + vision.family());
    }
    if (!naFlex
        && (transform.height() != vision.imageHeight()
            || transform.width() != vision.imageWidth())) {
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
    return new CheckpointWriter(config, transform, parameters);
  }

  /**
   * Sets in what type floats are stored; F32 by default.
   *
   * @param type F32, F16 or BF16
   */
  public CheckpointWriter optType(TensorType type) {
    if (type != TensorType.F32 && type != TensorType.F16 && type != TensorType.BF16) {
      throw new IllegalArgumentException("weights are stored as F32, F16 or BF16, not as " + type);
    }
    this.type = type;
    return this;
  }

  /**
   * Sets the model's tokenizer; of one that came from files they are copied into the folder under
   * their own names.
   *
   * @param tokenizer null for OpenAI's
   */
  public CheckpointWriter optTokenizer(@Nullable Tokenizer tokenizer) {
    tokenizerFiles = tokenizer == null ? List.of() : tokenizer.files();
    return this;
  }

  /**
   * Sets which weights are stored as 8-bit integers with a scale for each row; none by default.
   * Such a checkpoint is for this library alone, in OpenCLIP's layout.
   *
   * @param weights names of parameters of two dimensions
   * @param inputs the levels of the maps' inputs by the maps' names
   */
  public CheckpointWriter optQuantized(Set<String> weights, Map<String, InputLevels> inputs) {
    quantized = Set.copyOf(weights);
    this.inputs = Map.copyOf(inputs);
    return this;
  }

  /**
   * Sets what the model is made from, which its configuration records; nothing by default.
   *
   * @param origins as {@link Checkpoint#origins} tells them
   */
  public CheckpointWriter optMadeFrom(List<ModelOrigin> origins) {
    madeFrom = List.copyOf(origins);
    return this;
  }

  /**
   * Writes the folder.
   *
   * @param folder is created if it does not exist
   * @throws IllegalArgumentException if the layout cannot hold the model, or a value is too large
   *     for the type
   * @throws IOException if a file cannot be written; what was there is untouched
   */
  public void write(Path folder, Layout layout) throws IOException {
    try {
      writeFolder(folder, layout);
    } catch (IOException e) {
      throw IoErrors.worded(folder, e);
    }
  }

  private void writeFolder(Path folder, Layout layout) throws IOException {
    if (layout != Layout.OPENCLIP && !quantized.isEmpty()) {
      throw new IllegalArgumentException(
          "weights of 8-bit integers are stored in OpenCLIP's layout, not in that of " + layout);
    }
    KeyMap keys = KeyMap.of(layout, config);
    Files.createDirectories(folder);
    try (StagedFiles staged = new StagedFiles()) {
      JsonObject json = new JsonObject();
      if (layout == Layout.OPENCLIP) {
        json.add("model_cfg", ClipConfigJson.write(config));
        json.add("preprocess_cfg", TransformJson.writeOpenClip(transform));
      } else {
        json = transformersConfig();
      }
      ModelOrigin.write(json, madeFrom);
      writeWeights(staged, folder.resolve(layout.weightsFile()), keys);
      writeTokenizer(staged, folder, layout);
      if (layout == Layout.TRANSFORMERS) {
        writeProcessor(staged, folder);
      } else {
        Optional<JsonObject> text = ClipConfigJson.writeTextModel(config);
        if (text.isPresent()) {
          staged.write(folder.resolve(TextModelFiles.FILE), CheckpointFields.format(text.get()));
        }
      }
      staged.write(folder.resolve(layout.configFile()), CheckpointFields.format(json));
      staged.commit();
    }
  }

  private void writeProcessor(StagedFiles staged, Path folder) throws IOException {
    JsonObject json = TransformJson.writeTransformers(transform, config);
    staged.write(folder.resolve(CheckpointTransform.PREPROCESSOR), CheckpointFields.format(json));
    Path newer = folder.resolve(CheckpointTransform.PROCESSOR);
    if (Files.exists(newer)) { // it would go before
      JsonObject processor = new JsonObject();
      processor.add("image_processor", json);
      processor.add("processor_class", json.get("processor_class"));
      staged.write(newer, CheckpointFields.format(processor));
    }
  }

  private JsonObject transformersConfig() throws IOException {
    JsonObject json = TransformersConfigWriter.write(config, torchName(type));
    if (!TransformersConfig.read(CheckpointFields.of("config.json", json)).equals(config)) {
      try {
        json.add(MODEL_CFG, ClipConfigJson.write(config));
      } catch (IllegalArgumentException e) {
        // OpenCLIP has no such model: there is nothing that it could be told
      }
    }
    return json;
  }

  private void writeTokenizer(StagedFiles staged, Path folder, Layout layout) throws IOException {
    for (Path file : tokenizerFiles) {
      staged.write(folder.resolve(file.getFileName().toString()), Files.readAllBytes(file));
    }
    boolean openAi =
        config.text().vocabSize() == TransformersConfig.OPENAI_VOCABULARY
            && config.text().tokenizer().hfName() == null;
    if (layout == Layout.TRANSFORMERS && tokenizerFiles.isEmpty() && openAi) {
      staged.write(folder.resolve(CheckpointTokenizer.FILE), TransformersTokenizer.tokenizer());
      staged.write(
          folder.resolve("tokenizer_config.json"),
          TransformersTokenizer.config(config.text().contextLength()));
    }
  }

  private void writeWeights(StagedFiles staged, Path file, KeyMap keys) throws IOException {
    List<SafeTensorsWriter.Entry> entries =
        keys.storedTensors().stream()
            .map(
                entry ->
                    entry.type() == TensorType.F32
                        ? new SafeTensorsWriter.Entry(entry.name(), type, entry.shape())
                        : entry)
            .toList();
    QuantizedWeights stored =
        new QuantizedWeights(keys.toStored(parameters), quantized, new TreeMap<>(inputs));
    entries = stored.entries(entries);
    try (SafeTensorsWriter writer =
        SafeTensorsWriter.to(staged.create(file), file, entries, Map.of())) {
      for (SafeTensorsWriter.Entry entry : entries) {
        writer.write(entry.name(), stored);
      }
      writer.commit();
    }
  }

  /** PyTorch's name of a type that weights are saved in. */
  private static String torchName(TensorType type) {
    return switch (type) {
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F32 -> "float32";
      default -> throw new IllegalArgumentException("weights are not saved as " + type);
    };
  }
}
