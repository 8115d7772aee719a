package org.clip4j.model;

import java.util.LinkedHashMap;
import java.util.Map;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.internal.ObservingKernels;

/**
 * Notes what the inputs of one tower's linear maps are like while it encodes, so that they can be
 * rounded; see {@link ClipModel#observeImages}. Encode typical inputs, call {@link #measureErrors},
 * encode them again, and ask for the {@link #levels}.
 */
public final class InputObserver {
  private final ObservingKernels kernels;

  InputObserver(ObservingKernels kernels) {
    this.kernels = kernels;
  }

  /** Measures from now on what rounding costs; the ranges noted so far stay what they are. */
  public void measureErrors() {
    kernels.measureErrors();
  }

  /**
   * Gives the levels that round each map's inputs with the least squared error, by the map's name,
   * such as {@code visual.transformer.resblocks.0.mlp.c_fc.}.
   */
  public Map<String, InputLevels> levels() {
    Map<String, InputLevels> levels = new LinkedHashMap<>();
    kernels.inputs().forEach((name, inputs) -> levels.put(name, inputs.levels()));
    return levels;
  }

  /** Gives the largest magnitude of each input channel of each map, by the map's name. */
  public Map<String, float[]> magnitudes() {
    Map<String, float[]> magnitudes = new LinkedHashMap<>();
    kernels.inputs().forEach((name, inputs) -> magnitudes.put(name, inputs.magnitudes()));
    return magnitudes;
  }
}
