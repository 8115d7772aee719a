package org.clip4j.weights;

import java.nio.FloatBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.clip4j.engine.InputLevels;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;

/**
 * A view of tensors of which some are 8-bit integers with a scale for each row, as the floats that
 * they stand for. The scales of {@code NAME} are named {@code NAME_scale}; the levels to which the
 * inputs of a linear map are rounded, {@code MAPinput_scale} and {@code MAPinput_zero_point}.
 */
final class QuantizedTensors extends TensorView {
  private static final String SCALE = "_scale";
  private static final String INPUT_SCALE = "input_scale";
  private static final String INPUT_ZERO_POINT = "input_zero_point";

  private final Map<String, float[]> scales = new LinkedHashMap<>();
  private final Map<String, InputLevels> inputs = new LinkedHashMap<>();
  private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

  private QuantizedTensors(TensorFile whole) throws CheckpointException {
    super(whole);
    for (TensorInfo info : whole.tensors().values()) {
      String scale = info.name() + SCALE;
      if (info.name().endsWith(INPUT_SCALE)) {
        String map = withoutEnd(info.name(), INPUT_SCALE);
        inputs.put(map, levels(map));
      } else if (info.type() == TensorType.I8 && whole.tensors().containsKey(scale)) {
        tensors.put(info.name(), new TensorInfo(info.name(), TensorType.F32, info.shape()));
        scales.put(info.name(), scales(scale, info));
      } else if (!info.name().endsWith(INPUT_ZERO_POINT)) {
        tensors.put(info.name(), info);
      }
    }
    scales.keySet().forEach(name -> tensors.remove(name + SCALE));
  }

  /**
   * Looks for weights of 8-bit integers.
   *
   * @return the file itself, if there are none
   * @throws CheckpointException if scales or zero points do not fit
   */
  static TensorFile of(TensorFile file) throws CheckpointException {
    return file.tensors().keySet().stream().anyMatch(name -> name.endsWith(INPUT_SCALE))
        ? new QuantizedTensors(file)
        : file;
  }

  /** Gives the levels of the maps' inputs, by the maps' names. */
  static Map<String, InputLevels> inputs(TensorFile file) {
    return file instanceof QuantizedTensors quantized
        ? Collections.unmodifiableMap(quantized.inputs)
        : Map.of();
  }

  /** Names the weights that are integers. */
  static Set<String> weights(TensorFile file) {
    return file instanceof QuantizedTensors quantized
        ? Collections.unmodifiableSet(quantized.scales.keySet())
        : Set.of();
  }

  /** Names what stands for a map's levels in a file, with their values. */
  static Map<String, Float> stored(Map<String, InputLevels> inputs) {
    Map<String, Float> values = new LinkedHashMap<>();
    inputs.forEach(
        (map, levels) -> {
          values.put(map + INPUT_SCALE, levels.scale());
          values.put(map + INPUT_ZERO_POINT, (float) levels.zeroPoint());
        });
    return values;
  }

  /** Names the scales of a weight. */
  static String scaleOf(String weight) {
    return weight + SCALE;
  }

  private static String withoutEnd(String name, String end) {
    return name.substring(0, name.length() - end.length());
  }

  private InputLevels levels(String map) throws CheckpointException {
    try {
      return new InputLevels(number(map + INPUT_SCALE), (int) number(map + INPUT_ZERO_POINT));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(
          file() + ": the inputs of '" + map + "': " + IoErrors.message(e), e);
    }
  }

  private float number(String name) throws CheckpointException {
    TensorInfo info = whole.tensors().get(name);
    if (info == null || info.count() != 1) {
      throw new CheckpointException(file() + " needs one number '" + name + "'");
    }
    return whole.floats(name).get();
  }

  private float[] scales(String name, TensorInfo weight) throws CheckpointException {
    TensorInfo info = whole.tensors().get(name);
    if (weight.shape().size() < 2 || info.count() != weight.shape().get(0)) {
      throw new CheckpointException(
          file()
              + ": '"
              + name
              + "' "
              + info.describe()
              + " is to have one scale for each row of "
              + weight.describe());
    }
    float[] values = new float[(int) info.count()];
    whole.floats(name).get(values);
    return values;
  }

  @Override
  public Map<String, TensorInfo> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    int start = target.position();
    whole.copy(name, from, target, finite);
    float[] rows = scales.get(name);
    if (rows == null) {
      return;
    }
    long width = whole.tensors().get(name).count() / rows.length;
    for (int i = start; i < target.position(); i++) {
      target.put(i, target.get(i) * rows[(int) ((from + i - start) / width)]);
    }
  }
}
