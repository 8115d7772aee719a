package org.clip4j.weights;

import java.util.Optional;
import org.clip4j.io.IoErrors;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.MaskDecoder;
import org.clip4j.model.MaskDecoderConfig;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;

/**
 * The decoder of masks in a file of {@code CLIPSegForImageSegmentation}.
 *
 * @param tensors of the decoder alone
 */
record MaskDecoderFile(MaskDecoderConfig config, TensorFile tensors) {
  private static final String PREFIX = "decoder";

  /**
   * Finds it.
   *
   * @return empty if the file holds the encoders alone, as {@code CLIPSegModel} saves them
   * @throws CheckpointException if it is not what the configuration describes
   */
  static Optional<MaskDecoderFile> find(CheckpointFields json, TensorFile file, ClipConfig clip)
      throws CheckpointException {
    TensorFile tensors = file.under(PREFIX);
    if (tensors.tensors().isEmpty()) {
      return Optional.empty();
    }
    MaskDecoderConfig config = TransformersConfig.readMaskDecoder(json);
    try {
      KeyMap.of(MaskDecoder.specs(clip, config)).check(file.file(), tensors.tensors());
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(json.where() + IoErrors.message(e), e);
    }
    return Optional.of(new MaskDecoderFile(config, tensors));
  }
}
