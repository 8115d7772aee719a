package org.clip4j.model;

import java.util.List;
import org.clip4j.engine.InputLevels;
import org.clip4j.engine.internal.ObservingKernels;
import org.jspecify.annotations.Nullable;

/**
 * Notes what the inputs of one tower's linear maps are like while it encodes, so that they can be
 * rounded; see {@link ClipModel#observeImages}. Encode typical inputs, call {@link #measureErrors},
 * encode them again, and ask for the {@link #maps}.
 */
public final class InputObserver {
  private final ObservingKernels kernels;

  InputObserver(ObservingKernels kernels) {
    this.kernels = kernels;
  }

  /**
   * Describes a linear map that was seen.
   *
   * @param name such as {@code visual.transformer.resblocks.0.mlp.c_fc.}
   * @param weights the names of the parameters that its rows are of, which follow one another
   * @param norm the beginning of the names of the layer norm that alone gives its inputs, if one
   *     does
   * @param magnitudes the largest of each input channel
   * @param levels those that round its inputs with the least squared error; those of the whole
   *     range, where errors were not measured
   */
  public record LinearMap(
      String name,
      List<String> weights,
      @Nullable String norm,
      List<Float> magnitudes,
      InputLevels levels) {}

  /** Measures from now on what rounding costs; the ranges noted so far stay what they are. */
  public void measureErrors() {
    kernels.measureErrors();
  }

  /** Gives the maps in the order of the tower, with what was noted of each. */
  public List<LinearMap> maps() {
    return kernels.inputs().stream()
        .map(
            inputs ->
                new LinearMap(
                    inputs.place().name(),
                    inputs.place().weights(),
                    inputs.place().norm(),
                    inputs.magnitudes(),
                    inputs.levels()))
        .toList();
  }
}
