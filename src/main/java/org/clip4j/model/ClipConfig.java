package org.clip4j.model;

import java.util.List;

/**
 * The architecture of a CLIP model, in the vocabulary of OpenCLIP's {@code model_cfg}.
 *
 * @param embedDim E, the width of the shared embedding space
 * @param vision the image tower
 * @param text the text tower
 * @param quickGelu whether activations are x * sigmoid(1.702 x), as in OpenAI's models, and not
 *     GELU
 */
public record ClipConfig(int embedDim, VisionConfig vision, TextConfig text, boolean quickGelu) {

  /**
   * An architecture by name, for example {@code ViT-B-32}; names and sizes are OpenCLIP's where
   * OpenCLIP has the architecture.
   *
   * @throws IllegalArgumentException listing the names there are, if there is no such one
   */
  public static ClipConfig named(String name) {
    return NamedConfigs.get(name);
  }

  /** The names that {@link #named} knows. */
  public static List<String> names() {
    return NamedConfigs.NAMES;
  }
}
