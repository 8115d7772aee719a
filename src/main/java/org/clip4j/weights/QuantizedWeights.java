package org.clip4j.weights;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.engine.InputLevels;
import org.clip4j.model.ParameterSource;
import org.clip4j.weights.safetensors.SafeTensorsWriter;
import org.clip4j.weights.tensors.TensorType;

/** Stored tensors of which some become 8-bit integers with a scale per row, for writing. */
final class QuantizedWeights implements ParameterSource {
  private static final int LARGEST = 127;

  private final ParameterSource stored;
  private final Set<String> weights;
  private final Map<String, Float> numbers;
  private final Map<String, SafeTensorsWriter.Entry> shapes = new LinkedHashMap<>();
  private final Map<String, float[]> scales = new LinkedHashMap<>();

  /**
   * Takes what is to be written.
   *
   * @param stored values under the names of the file
   * @param weights names of those that become integers
   * @param inputs levels of the maps' inputs
   */
  QuantizedWeights(ParameterSource stored, Set<String> weights, Map<String, InputLevels> inputs) {
    this.stored = stored;
    this.weights = weights;
    numbers = QuantizedTensors.stored(inputs);
  }

  /** Adds what comes with integers to the tensors of a file. */
  List<SafeTensorsWriter.Entry> entries(List<SafeTensorsWriter.Entry> floats) {
    List<SafeTensorsWriter.Entry> all = new ArrayList<>();
    for (SafeTensorsWriter.Entry entry : floats) {
      shapes.put(entry.name(), entry);
      if (weights.contains(entry.name())) {
        all.add(new SafeTensorsWriter.Entry(entry.name(), TensorType.I8, entry.shape()));
        String scale = QuantizedTensors.scaleOf(entry.name());
        all.add(new SafeTensorsWriter.Entry(scale, TensorType.F32, entry.shape().get(0)));
        scales.put(scale, null);
      } else {
        all.add(entry);
      }
    }
    numbers.keySet().forEach(n -> all.add(new SafeTensorsWriter.Entry(n, TensorType.F32, 1)));
    return all;
  }

  @Override
  public FloatBuffer read(String name) {
    throw new UnsupportedOperationException("values are copied piece by piece");
  }

  @Override
  public void copy(String name, long from, FloatBuffer target) {
    if (numbers.containsKey(name)) {
      target.put(numbers.get(name));
    } else if (scales.containsKey(name)) {
      target.put(scales(name), (int) from, target.remaining());
    } else {
      int start = target.position();
      stored.copy(name, from, target);
      if (weights.contains(name)) {
        float[] rows = scales(QuantizedTensors.scaleOf(name));
        long width = shapes.get(name).count() / rows.length;
        for (int i = start; i < target.position(); i++) {
          float scale = rows[(int) ((from + i - start) / width)];
          target.put(i, scale == 0 ? 0 : Math.round(target.get(i) / scale));
        }
      }
    }
  }

  /** The largest value of each row is {@link #LARGEST} times its scale. */
  private float[] scales(String scale) {
    float[] known = scales.get(scale);
    if (known != null) {
      return known;
    }
    String weight = scale.substring(0, scale.length() - QuantizedTensors.scaleOf("").length());
    SafeTensorsWriter.Entry entry = shapes.get(weight);
    float[] rows = new float[Math.toIntExact(entry.shape().get(0))];
    FloatBuffer row = FloatBuffer.allocate((int) (entry.count() / rows.length));
    for (int r = 0; r < rows.length; r++) {
      row.clear();
      stored.copy(weight, (long) r * row.capacity(), row);
      for (int i = 0; i < row.capacity(); i++) {
        rows[r] = Math.max(rows[r], Math.abs(row.get(i)));
      }
      rows[r] /= LARGEST;
    }
    scales.put(scale, rows);
    return rows;
  }
}
