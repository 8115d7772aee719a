package org.clip4j.model;

import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Initial weights. Each parameter has a generator of its own, seeded by its name, so that its
 * values do not depend on what other parameters a model has.
 */
final class RandomParameters implements ParameterSource {
  private final Map<String, ParameterSpec> specs = new HashMap<>();
  private final long seed;

  RandomParameters(ClipConfig config, long seed) {
    this.seed = seed;
    ParameterSpec.of(config).forEach(spec -> specs.put(spec.name(), spec));
  }

  @Override
  public FloatBuffer read(String name) {
    ParameterSpec spec = specs.get(name);
    SplittableRandom random = new SplittableRandom(31 * seed + name.hashCode());
    double value = spec.init().value();
    float[] values = new float[Math.toIntExact(spec.count())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          (float)
              switch (spec.init().distribution()) {
                case CONSTANT -> value;
                case UNIFORM -> value * (2 * random.nextDouble() - 1);
                case NORMAL -> value * gaussian(random);
                case TRUNCATED_NORMAL -> value * truncated(random);
              };
    }
    return FloatBuffer.wrap(values);
  }

  private static double truncated(SplittableRandom random) {
    double value;
    do {
      value = gaussian(random);
    } while (Math.abs(value) > 2);
    return value;
  }

  /** Box and Muller's transform; in StrictMath, so that every platform draws the same weights. */
  private static double gaussian(SplittableRandom random) {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
    return radius * StrictMath.cos(2 * Math.PI * random.nextDouble());
  }
}
