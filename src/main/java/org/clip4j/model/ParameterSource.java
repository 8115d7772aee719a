package org.clip4j.model;

import java.nio.FloatBuffer;

/**
 * Gives the values of a model's parameters by name; how {@code model} and {@code weights} hand each
 * other tensors without either holding a second copy of all of them.
 */
@FunctionalInterface
public interface ParameterSource {

  /**
   * Returns the values of one parameter or buffer, row-major.
   *
   * @param name in OpenCLIP's naming, for example {@code visual.conv1.weight}
   * @return a buffer whose remaining floats are the values; valid until the next call
   */
  FloatBuffer read(String name);

  /**
   * Copies some of the values of one parameter or buffer, row-major; sources that need not hold
   * them all at once override it.
   *
   * @param from index of the first
   * @param target filled
   * @throws IllegalArgumentException if there are not so many
   */
  default void copy(String name, long from, FloatBuffer target) {
    FloatBuffer values = read(name);
    if (values.remaining() < from + target.remaining()) {
      throw new IllegalArgumentException(
          name + " needs " + (from + target.remaining()) + " values, found " + values.remaining());
    }
    target.put(values.slice(values.position() + (int) from, target.remaining()));
  }
}
