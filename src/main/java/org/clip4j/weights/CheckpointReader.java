package org.clip4j.weights;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.clip4j.image.ImageTransform;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ResampledPositions;
import org.clip4j.model.TokenizerOptions;
import org.clip4j.weights.pytorch.PyTorchArchive;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out what a checkpoint is, by its files and the names of its tensors, and checks that all of
 * it fits together.
 */
final class CheckpointReader {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointReader.class);

  private CheckpointReader() {}

  /**
   * Opens a checkpoint.
   *
   * @param architecture null to take the checkpoint's own
   */
  static Checkpoint open(Path given, @Nullable ClipConfig architecture) throws IOException {
    Path path = Files.isDirectory(given) ? TextModelFolder.wholeModel(given) : given;
    if (TextModelFolder.isOne(Files.isDirectory(path) ? path : path.toAbsolutePath().getParent())) {
      throw new CheckpointException(
          path
              + " is a text model alone, without an image tower; load the image model that its card"
              + " names, and give it this one for its text model");
    }
    CheckpointFiles files = CheckpointFiles.find(path);
    CheckpointFields json =
        files.layout() == null
            ? null
            : CheckpointFields.read(files.folder().resolve(files.layout().configFile()));
    TensorFile file = TensorFiles.open(files.weights());
    try {
      boolean openAi =
          file instanceof PyTorchArchive archive
              && archive.isTorchScript()
              && OpenAiArchitecture.isOpenAi(archive.tensors());
      TensorFile named = QuantizedTensors.of(StateDict.of(file));
      boolean apple = AppleTensors.isApple(named);
      boolean longClip = LongClipTensors.isLongClip(file);
      TensorFile tensors = LongClipTensors.of(AppleTensors.of(named));
      ClipConfig own = null;
      if (files.layout() != null) {
        own = readConfig(files, json);
      } else if (openAi || longClip && architecture == null) {
        own = OpenAiArchitecture.infer(files.weights(), tensors.tensors());
      } else if (apple && architecture == null) {
        own = AppleTensors.architecture(tensors);
      }
      ClipConfig config = agreed(files, tensors, own, architecture);
      Publishers.check(files.weights(), openAi, config);
      Layout layout = files.layout() != null ? files.layout() : Layout.OPENCLIP;
      if (layout == Layout.OPENCLIP) {
        config = namedAs(config, tensors.tensors());
      }
      ImageTransform transform =
          apple && files.layout() == null
              ? AppleTensors.transform(config.vision())
              : CheckpointTransform.read(files, json, config.vision());
      KeyMap keys = KeyMap.of(layout, config);
      keys.check(files.weights(), tensors.tensors());
      if (tensors.tensors().keySet().stream().anyMatch(name -> name.startsWith(KeyMap.CAPTIONS))) {
        LOG.info(
            "{} has a decoder of captions (CoCa), which is left out: images and texts are encoded,"
                + " captions are not generated, and what is saved of the model has no decoder.",
            files.weights());
      }
      boolean segments = layout == Layout.TRANSFORMERS && TransformersConfig.isClipSeg(json);
      ParameterSource parameters = keys.toCanonical(Checkpoint.sourceOf(tensors));
      Checkpoint stored =
          new Checkpoint(
              layout,
              files.folder(),
              config,
              transform,
              keys,
              tensors,
              segments
                  ? new ResampledPositions(
                      parameters, config, config, ResampledPositions.Rule.TRANSFORMERS)
                  : parameters,
              segments ? MaskDecoderFile.find(json, file, config).orElse(null) : null,
              null);
      return segments ? stored.withImageSize(transform.height(), transform.width()) : stored;
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static ClipConfig readConfig(CheckpointFiles files, CheckpointFields json)
      throws IOException {
    return files.layout() == Layout.TRANSFORMERS
        ? TransformersConfig.read(json)
        : openClipConfig(files.folder().resolve(files.layout().configFile()), json);
  }

  private static ClipConfig openClipConfig(Path file, CheckpointFields json) throws IOException {
    if (!json.has("model_cfg")) {
      throw json.bad("model_cfg", "OpenCLIP's configuration keeps the model there");
    }
    JsonObject model = json.object("model_cfg").json();
    Optional<JsonObject> text = TextModelFiles.find(file.toAbsolutePath().getParent(), model);
    try {
      return ClipConfigJson.read(model, name -> text);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + IoErrors.message(e), e);
    }
  }

  private static ClipConfig agreed(
      CheckpointFiles files, TensorFile tensors, ClipConfig own, ClipConfig asked)
      throws CheckpointException {
    if (own == null && asked == null) {
      List<String> fitting = OpenAiArchitecture.candidates(tensors.tensors());
      throw new CheckpointException(
          files.weights()
              + " holds tensors alone, which do not tell the activation; name the architecture"
              + (fitting.isEmpty()
                  ? ", as model_cfg: no named one has these tensors"
                  : ", one of " + String.join(", ", fitting)));
    }
    List<String> differences =
        own == null || asked == null ? List.of() : differences(files.layout(), own, asked);
    if (!differences.isEmpty()) {
      throw new CheckpointException(
          files.weights()
              + " is of another model than the architecture that is asked for; they differ in:\n  "
              + String.join("\n  ", differences)
              + "\nleave the architecture out to take the model's own");
    }
    return asked != null ? asked : own;
  }

  private static List<String> differences(Layout layout, ClipConfig own, ClipConfig asked) {
    List<String> found = ConfigDifferences.of(own, asked);
    TokenizerOptions tokenizer = own.text().tokenizer();
    boolean said = layout != Layout.TRANSFORMERS || !tokenizer.equals(TokenizerOptions.OPENAI);
    if (said && !tokenizer.equals(asked.text().tokenizer())) {
      found.add("tokenizer: " + tokenizer + " and " + asked.text().tokenizer());
    }
    return found;
  }

  /**
   * OpenCLIP, too, takes the text tower's names with or without their prefix. That the branches of
   * a tower are folded, its tensors tell alone.
   */
  private static ClipConfig namedAs(ClipConfig config, Map<String, TensorInfo> tensors) {
    boolean prefixed = tensors.keySet().stream().anyMatch(name -> name.startsWith("text."));
    boolean folded = tensors.keySet().stream().anyMatch(name -> name.contains(".reparam_conv."));
    ClipConfig named = folded ? config.withFoldedImageTower() : config;
    return prefixed == named.customText() ? named : named.withCustomText(prefixed);
  }
}
