package org.clip4j.quantize;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.model.InputObserver.LinearMap;
import org.clip4j.model.ParameterSource;
import org.clip4j.model.ParameterSpec;

/**
 * A model's parameters in which a part of what channels differ in is moved from the inputs of
 * linear maps into their weights, where a layer norm gives the inputs (SmoothQuant, Xiao et al.
 * 2023, arXiv 2211.10438, equation 4): the model computes the same, and its inputs lose less by
 * rounding.
 */
final class SmoothedWeights implements ParameterSource {
  private final ParameterSource source;

  /** What each input channel of a weight is multiplied by. */
  private final Map<String, float[]> weights = new HashMap<>();

  /** What each value of a layer norm's weight and bias is divided by. */
  private final Map<String, float[]> norms = new HashMap<>();

  private SmoothedWeights(ParameterSource source) {
    this.source = source;
  }

  /**
   * Chooses the factors: a^strength / w^(1 - strength) of the largest magnitudes of a channel in
   * the inputs and in the weights.
   *
   * @param source the parameters
   * @param specs what they are
   * @param maps whose inputs were seen
   * @param strength from 0 to 1: what part of the difference goes into the weights
   */
  static SmoothedWeights of(
      ParameterSource source, List<ParameterSpec> specs, List<LinearMap> maps, double strength) {
    SmoothedWeights smoothed = new SmoothedWeights(source);
    Map<String, ParameterSpec> byName = new HashMap<>();
    specs.forEach(spec -> byName.put(spec.name(), spec));
    Map<String, List<LinearMap>> byNorm = new LinkedHashMap<>();
    for (LinearMap map : maps) {
      if (map.norm() != null) {
        byNorm.computeIfAbsent(map.norm(), norm -> new ArrayList<>()).add(map);
      }
    }
    byNorm.forEach(
        (norm, followers) -> {
          float[] factors = smoothed.factors(byName, followers, strength);
          smoothed.norms.put(norm + "weight", factors);
          smoothed.norms.put(norm + "bias", factors);
          followers.stream()
              .flatMap(map -> map.weights().stream())
              .forEach(weight -> smoothed.weights.put(weight, factors));
        });
    return smoothed;
  }

  private float[] factors(
      Map<String, ParameterSpec> specs, List<LinearMap> followers, double strength) {
    int width = followers.get(0).magnitudes().size();
    double[] inputs = new double[width];
    double[] columns = new double[width];
    for (LinearMap map : followers) {
      for (int i = 0; i < width; i++) {
        inputs[i] = Math.max(inputs[i], map.magnitudes().get(i));
      }
      FloatBuffer row = FloatBuffer.allocate(width);
      for (String weight : map.weights()) {
        for (long from = 0; from < specs.get(weight).count(); from += width) {
          source.copy(weight, from, row.clear());
          for (int i = 0; i < width; i++) {
            columns[i] = Math.max(columns[i], Math.abs(row.get(i)));
          }
        }
      }
    }
    float[] factors = new float[width];
    for (int i = 0; i < width; i++) {
      double factor = Math.pow(inputs[i], strength) / Math.pow(columns[i], 1 - strength);
      factors[i] = inputs[i] > 0 && columns[i] > 0 ? (float) factor : 1;
    }
    return factors;
  }

  @Override
  public FloatBuffer read(String name) {
    FloatBuffer values = source.read(name);
    FloatBuffer copy = FloatBuffer.allocate(values.remaining());
    copy(name, 0, copy);
    return copy.flip();
  }

  @Override
  public void copy(String name, long from, FloatBuffer target) {
    int start = target.position();
    source.copy(name, from, target);
    float[] columns = weights.get(name);
    float[] divisors = norms.get(name);
    for (int i = start; i < target.position(); i++) {
      if (columns != null) {
        target.put(i, target.get(i) * columns[(int) ((from + i - start) % columns.length)]);
      } else if (divisors != null) {
        target.put(i, target.get(i) / divisors[(int) (from + i - start)]);
      }
    }
  }
}
