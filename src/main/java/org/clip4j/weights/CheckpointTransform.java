package org.clip4j.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.clip4j.image.ImageTransform;
import org.clip4j.model.VisionConfig;
import org.clip4j.weights.tensors.CheckpointException;

/** Which validation transform belongs to a checkpoint. */
final class CheckpointTransform {
  static final String PREPROCESSOR = "preprocessor_config.json";
  static final String PROCESSOR = "processor_config.json";

  private CheckpointTransform() {}

  /**
   * Reads the transform that lies beside a model; its publisher's usual one where nothing does.
   *
   * @param config the configuration; null where there is none
   */
  static ImageTransform read(CheckpointFiles files, CheckpointFields config, VisionConfig vision)
      throws IOException {
    if (files.layout() == Layout.OPENCLIP) {
      return TransformJson.readOpenClip(config.object("preprocess_cfg"), vision);
    }
    return files.layout() == Layout.TRANSFORMERS
        ? transformers(files.folder(), TransformersConfig.isClipSeg(config), vision)
        : TransformJson.usual(vision);
  }

  private static ImageTransform transformers(Path folder, boolean segments, VisionConfig vision)
      throws IOException {
    // As in transformers 5, which writes the former; before, it had no image_processor.
    Path processor = folder.resolve(PROCESSOR);
    if (Files.isRegularFile(processor)) {
      CheckpointFields json = CheckpointFields.read(processor);
      if (json.has("image_processor")) {
        return transformers(json.object("image_processor"), segments, vision);
      }
    }
    Path preprocessor = folder.resolve(PREPROCESSOR);
    if (Files.isRegularFile(preprocessor)) {
      return transformers(CheckpointFields.read(preprocessor), segments, vision);
    }
    return segments ? TransformJson.clipSeg() : TransformJson.usual(vision);
  }

  /** CLIPSeg's positional embeddings follow the size of the images, other models' do not. */
  private static ImageTransform transformers(
      CheckpointFields processor, boolean segments, VisionConfig vision)
      throws CheckpointException {
    boolean resized = segments && processor.has("size");
    return TransformJson.readTransformers(
        processor, resized ? TransformJson.resized(processor, vision) : vision);
  }
}
