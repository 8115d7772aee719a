package org.clip4j.weights;

import java.nio.file.Files;
import java.nio.file.Path;

/** How a publisher lays out a checkpoint's folder and names its tensors. */
public enum Layout {
  /** {@code open_clip_config.json} and {@code open_clip_model.safetensors}. */
  OPENCLIP("open_clip_config.json", "open_clip_model.safetensors"),

  /** {@code config.json} and {@code model.safetensors} of transformers' {@code CLIPModel}. */
  TRANSFORMERS("config.json", "model.safetensors");

  private final String configFile;
  private final String weightsFile;

  Layout(String configFile, String weightsFile) {
    this.configFile = configFile;
    this.weightsFile = weightsFile;
  }

  /** Name of the file that holds the architecture. */
  public String configFile() {
    return configFile;
  }

  /** Name of the file that holds the tensors. */
  public String weightsFile() {
    return weightsFile;
  }

  boolean isCompleteIn(Path folder) {
    return Files.isRegularFile(folder.resolve(configFile))
        && Files.isRegularFile(folder.resolve(weightsFile));
  }
}
