package org.clip4j.weights;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.Closeable;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.clip4j.io.IoErrors;
import org.clip4j.io.JsonFile;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.EncoderConfig;
import org.clip4j.model.EncoderHead;
import org.clip4j.model.EncoderPooling;
import org.clip4j.model.ParameterSource;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.jspecify.annotations.Nullable;

/**
 * A text tower that is published by itself and gives embeddings like those of another model: the
 * folders of M-CLIP (Carlsson et al. 2022) and of sentence-transformers. It goes beside that
 * model's image tower, see {@link Checkpoint#withTextModel}.
 */
final class TextModelFolder implements Closeable {
  private static final String MODULES = "modules.json";
  private static final String CONFIG = "config.json";
  private static final int MAX_BYTES = 1 << 20;
  private static final int MAX_WIDTH = 1 << 16;

  private static final String TRANSFORMER = "text.transformer.";
  private static final String PROJECTION = "text.proj.";

  /** A file of tensors, which of the tower's parameters it has, and its names for them. */
  private record Part(TensorFile file, String parameters, UnaryOperator<String> stored) {}

  private final Path folder;
  private final EncoderConfig text;
  private final int embedDim;
  private final List<Part> parts;

  private TextModelFolder(Path folder, EncoderConfig text, int embedDim, List<Part> parts) {
    this.folder = folder;
    this.text = text;
    this.embedDim = embedDim;
    this.parts = parts;
  }

  /** Whether a folder holds such a text tower, and no model that has images. */
  static boolean isOne(Path folder) {
    if (Files.isRegularFile(folder.resolve(Layout.OPENCLIP.configFile()))) {
      return false;
    }
    try {
      return isMClip(folder)
          || Files.isRegularFile(folder.resolve(MODULES))
              && kind(modules(folder).get(0)).equals("Transformer")
              && !seesImages(inside(folder, modules(folder).get(0)));
    } catch (IOException | RuntimeException e) {
      return false; // what is wrong with it is said where it is needed
    }
  }

  /**
   * The folder of the whole model within one of sentence-transformers' that holds a CLIP, whose
   * first module that is; else the folder itself.
   */
  static Path wholeModel(Path folder) throws IOException {
    if (Files.isRegularFile(folder.resolve(MODULES))) {
      Path first = inside(folder, modules(folder).get(0));
      if (seesImages(first)) {
        return first;
      }
    }
    return folder;
  }

  private static boolean seesImages(Path folder) throws IOException {
    Path file = folder.resolve(CONFIG);
    return Files.isRegularFile(file) && CheckpointFields.read(file).has("vision_config");
  }

  private static boolean isMClip(Path folder) throws IOException {
    Path file = folder.resolve(CONFIG);
    return Files.isRegularFile(file) && isMClip(CheckpointFields.read(file));
  }

  private static boolean isMClip(CheckpointFields config) throws CheckpointException {
    return config.text("model_type", "").equals("M-CLIP") || config.has("modelBase");
  }

  /**
   * Opens one.
   *
   * @throws CheckpointException if the folder holds none, or one that is not supported
   */
  static TextModelFolder open(Path folder) throws IOException {
    if (Files.isRegularFile(folder.resolve(MODULES))) {
      return openModules(folder);
    }
    if (isMClip(folder)) {
      return openMClip(folder);
    }
    throw new CheckpointException(
        folder
            + " holds no text model that could go beside an image model; read are folders of M-CLIP"
            + " (a config.json that names a modelBase) and of sentence-transformers ("
            + MODULES
            + ")");
  }

  private static TextModelFolder openMClip(Path folder) throws IOException {
    CheckpointFields config = CheckpointFields.read(folder.resolve(CONFIG));
    String base = config.text("modelBase", "xlm-roberta-large");
    JsonObject model =
        TextModelFiles.named(folder, base)
            .or(() -> ClipConfigJson.publishedTextModel(base))
            .orElseThrow(
                () ->
                    config.bad(
                        "modelBase",
                        "the configuration of this text model is not known; put its config.json"
                            + " into a folder of that name within the model's"));
    EncoderConfig text = readText(config, model, base, 0, EncoderPooling.MEAN, EncoderHead.AFFINE);
    if (config.whole("transformerDimensions", 1024, 1, MAX_WIDTH) != text.width()) {
      throw config.bad("transformerDimensions", base + " has " + text.width());
    }
    int embedDim = config.whole("numDims", 768, 1, MAX_WIDTH);
    TensorFile tensors = openWeights(folder);
    UnaryOperator<String> stored =
        name ->
            name.startsWith(PROJECTION)
                ? "LinearTransformation." + name.substring(PROJECTION.length())
                : name.substring("text.".length());
    return new TextModelFolder(folder, text, embedDim, List.of(new Part(tensors, "text.", stored)));
  }

  private static TextModelFolder openModules(Path folder) throws IOException {
    CheckpointFields transformer = null;
    EncoderPooling pooling = null;
    CheckpointFields dense = null;
    Path transformerFolder = folder;
    Path denseFolder = folder;
    for (CheckpointFields module : modules(folder)) {
      Path own = inside(folder, module);
      switch (kind(module)) {
        case "Transformer" -> {
          transformer = CheckpointFields.read(own.resolve(CONFIG));
          transformerFolder = own;
        }
        case "Pooling" -> pooling = pooling(CheckpointFields.read(own.resolve(CONFIG)));
        case "Dense" -> {
          if (dense != null) {
            throw module.bad("type", "one Dense is supported");
          }
          dense = CheckpointFields.read(own.resolve(CONFIG));
          denseFolder = own;
        }
        case "Normalize" -> {} // the embeddings are, anyway
        default ->
            throw module.bad("type", "supported are Transformer, Pooling, Dense and Normalize");
      }
    }
    if (transformer == null || pooling == null) {
      throw new CheckpointException(
          folder.resolve(MODULES) + " lacks a Transformer or a Pooling: it is no text model");
    }
    EncoderHead head = dense == null ? EncoderHead.NONE : head(dense);
    Path name = folder.toAbsolutePath().normalize().getFileName();
    EncoderConfig text =
        readText(
            transformer,
            transformer.json(),
            name == null ? "" : name.toString(),
            longest(transformerFolder),
            pooling,
            head);
    int embedDim = text.width();
    if (dense != null) {
      if (dense.whole("in_features", null, 1, MAX_WIDTH) != text.width()) {
        throw dense.bad("in_features", "the transformer has " + text.width());
      }
      embedDim = dense.whole("out_features", null, 1, MAX_WIDTH);
    }
    List<Part> parts = new ArrayList<>();
    try {
      parts.add(
          new Part(
              openWeights(transformerFolder),
              TRANSFORMER,
              parameter -> parameter.substring(TRANSFORMER.length())));
      if (dense != null) {
        parts.add(
            new Part(
                openWeights(denseFolder),
                PROJECTION,
                parameter -> "linear." + parameter.substring(PROJECTION.length())));
      }
      return new TextModelFolder(transformerFolder, text, embedDim, List.copyOf(parts));
    } catch (IOException | RuntimeException e) {
      for (Part part : parts) {
        part.file.close();
      }
      throw e;
    }
  }

  private static EncoderConfig readText(
      CheckpointFields where,
      JsonObject model,
      String name,
      int longest,
      EncoderPooling pooling,
      EncoderHead head)
      throws CheckpointException {
    try {
      EncoderConfig all = ClipConfigJson.readTextModel(model, name, 0, pooling, head);
      return longest == 0 || longest >= all.contextLength()
          ? all
          : ClipConfigJson.readTextModel(model, name, longest, pooling, head);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(where.where() + IoErrors.message(e), e);
    }
  }

  private static List<CheckpointFields> modules(Path folder) throws IOException {
    Path file = folder.resolve(MODULES);
    byte[] list = JsonFile.bytes(file, MAX_BYTES, CheckpointException::new);
    String wrapped = "{\"modules\":" + new String(list, StandardCharsets.UTF_8) + "}";
    JsonObject json =
        JsonFile.object(
            wrapped.getBytes(StandardCharsets.UTF_8), file.toString(), CheckpointException::new);
    List<CheckpointFields> modules = new ArrayList<>();
    if (json.get("modules") instanceof JsonArray array) {
      for (JsonElement element : array) {
        modules.add(
            CheckpointFields.of(
                file.toString(), element instanceof JsonObject module ? module : new JsonObject()));
      }
    }
    if (modules.isEmpty()) {
      throw new CheckpointException(file + " lists no modules");
    }
    return modules;
  }

  /** The last part of the name of a module's class, which has moved between versions. */
  private static String kind(CheckpointFields module) throws CheckpointException {
    String type = module.text("type", "");
    return type.substring(type.lastIndexOf('.') + 1);
  }

  private static Path inside(Path folder, CheckpointFields module) throws CheckpointException {
    String path = module.text("path", "");
    if (!path.matches("(?:[\\w-][\\w.-]*)?")) {
      throw module.bad("path", "expected the name of a folder beside it, or nothing");
    }
    return folder.resolve(path);
  }

  /** Tokens of the longest text; 0 where that is not said. */
  private static int longest(Path transformer) throws IOException {
    Path file = transformer.resolve("sentence_bert_config.json");
    if (!Files.isRegularFile(file)) {
      return 0;
    }
    CheckpointFields config = CheckpointFields.read(file);
    if (config.has("do_lower_case") && config.flag("do_lower_case", false)) {
      throw config.bad("do_lower_case", "only false is supported");
    }
    return config.has("max_seq_length") ? config.whole("max_seq_length", 0, 2, MAX_WIDTH) : 0;
  }

  private static EncoderPooling pooling(CheckpointFields config) throws CheckpointException {
    List<String> modes = new ArrayList<>();
    JsonElement mode = config.get("pooling_mode");
    if (mode instanceof JsonPrimitive) {
      modes.add(config.text("pooling_mode", ""));
    } else if (mode instanceof JsonArray array) {
      array.forEach(element -> modes.add(element.toString().replace("\"", "")));
    } else {
      for (String key : config.json().keySet()) {
        if (key.startsWith("pooling_mode_") && config.flag(key, false)) {
          modes.add(key.substring("pooling_mode_".length()).replaceAll("_tokens?$", ""));
        }
      }
    }
    EncoderPooling pooling =
        modes.size() > 1
            ? null
            : Map.of(
                    "mean", EncoderPooling.MEAN,
                    "cls", EncoderPooling.FIRST,
                    "lasttoken", EncoderPooling.LAST)
                .get(modes.isEmpty() ? "mean" : modes.get(0));
    if (pooling == null) {
      throw config.bad(
          "pooling_mode", "found " + modes + "; supported is one of mean, cls and lasttoken");
    }
    return pooling;
  }

  private static EncoderHead head(CheckpointFields dense) throws CheckpointException {
    String activation = dense.text("activation_function", "torch.nn.modules.activation.Tanh");
    if (!activation.endsWith(".Identity")) {
      throw dense.bad(
          "activation_function", "supported is torch.nn.modules.linear.Identity, that is, none");
    }
    if (dense.flag("use_residual", false)) {
      throw dense.bad("use_residual", "only false is supported");
    }
    return dense.flag("bias", true) ? EncoderHead.AFFINE : EncoderHead.LINEAR;
  }

  private static TensorFile openWeights(Path folder) throws IOException {
    for (String name : Layout.TRANSFORMERS.weightsFiles()) {
      if (Files.isRegularFile(folder.resolve(name))) {
        return TensorFiles.open(folder.resolve(name));
      }
    }
    throw new CheckpointException(
        folder + " lacks the text model's weights, " + Layout.TRANSFORMERS.weightsFile());
  }

  /** Where the tokenizer lies. */
  Path folder() {
    return folder;
  }

  /** The file that has the transformer's tensors. */
  Path weights() {
    return parts.get(0).file.file();
  }

  /** The architecture of an image model with this text tower for its own. */
  ClipConfig beside(ClipConfig images, @Nullable Path weights) throws CheckpointException {
    if (images.embedDim() != embedDim) {
      throw new CheckpointException(
          "the text model in "
              + folder
              + " gives embeddings of "
              + embedDim
              + " numbers, but the image model, "
              + weights
              + ", gives "
              + images.embedDim()
              + "; take the image model that the text model was trained for, which its card names");
    }
    return images.withCustomText(true).withText(text);
  }

  /**
   * All parameters of the model.
   *
   * @param config by {@link #beside}
   * @param images gives those of the image tower
   * @throws CheckpointException if the tensors are not those that the tower needs
   */
  ParameterSource parameters(ClipConfig config, ParameterSource images) throws CheckpointException {
    ParameterSource all = images;
    for (Part part : parts) {
      KeyMap keys = KeyMap.renamed(config, part.parameters, part.stored);
      keys.check(part.file.file(), part.file.tensors());
      ParameterSource own = keys.toCanonical(Checkpoint.sourceOf(part.file));
      all = new Joined(part.parameters, own, all);
    }
    return all;
  }

  /** The parameters whose names begin so, and the others. */
  private record Joined(String prefix, ParameterSource own, ParameterSource others)
      implements ParameterSource {
    private ParameterSource of(String name) {
      return name.startsWith(prefix) ? own : others;
    }

    @Override
    public FloatBuffer read(String name) {
      return of(name).read(name);
    }

    @Override
    public void copy(String name, long from, FloatBuffer target) {
      of(name).copy(name, from, target);
    }
  }

  @Override
  public void close() throws IOException {
    for (Part part : parts) {
      part.file.close();
    }
  }
}
