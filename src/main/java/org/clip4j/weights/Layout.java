package org.clip4j.weights;

import java.util.Arrays;
import java.util.List;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipConfigJson;

/** Names how a publisher lays out a checkpoint's folder and names its tensors. */
public enum Layout {
  /** {@code open_clip_config.json} and {@code open_clip_model.safetensors}. */
  OPENCLIP("open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin"),

  /** {@code config.json} and {@code model.safetensors} of transformers. */
  TRANSFORMERS(
      "config.json",
      "model.safetensors",
      "model.safetensors.index.json",
      "pytorch_model.bin",
      "pytorch_model.bin.index.json");

  private final String configFile;
  private final List<String> weightsFiles;

  Layout(String configFile, String... weightsFiles) {
    this.configFile = configFile;
    this.weightsFiles = List.of(weightsFiles);
  }

  /**
   * Checks that a checkpoint of this layout can hold a model.
   *
   * @throws IllegalArgumentException if it cannot; the message says why
   */
  public void requireHolds(ClipConfig config) {
    KeyMap.of(this, config);
    if (this == OPENCLIP) {
      ClipConfigJson.write(config);
    }
  }

  /** Whether a layout has a weights file of that name. */
  static boolean isWeights(String name) {
    return Arrays.stream(values()).anyMatch(layout -> layout.weightsFiles.contains(name));
  }

  /** Returns the name of the file that holds the architecture. */
  public String configFile() {
    return configFile;
  }

  /** Returns the name of the file that holds the tensors, when this library writes it. */
  public String weightsFile() {
    return weightsFiles.get(0);
  }

  /**
   * Returns the names of the files that may hold the tensors, or list those that do, the best
   * first.
   */
  public List<String> weightsFiles() {
    return weightsFiles;
  }
}
