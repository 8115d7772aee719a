package org.clip4j.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;

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

  /**
   * Computes a checksum of names and values, which tells these weights from others.
   *
   * @param specs of the parameters, in an order of their own
   * @return the same for the same weights, whatever file they come from
   */
  default String checksum(List<ParameterSpec> specs) {
    int piece = 1 << 16;
    CRC32C sum = new CRC32C();
    ByteBuffer bytes = ByteBuffer.allocate(4 * piece).order(ByteOrder.LITTLE_ENDIAN);
    for (ParameterSpec spec : specs) {
      sum.update(spec.name().getBytes(StandardCharsets.UTF_8));
      for (long at = 0; at < spec.count(); at += piece) {
        FloatBuffer values = bytes.clear().asFloatBuffer();
        values.limit((int) Math.min(piece, spec.count() - at));
        copy(spec.name(), at, values.slice());
        sum.update(bytes.limit(4 * values.limit()));
      }
    }
    return String.format(Locale.ROOT, "crc32c %08x", sum.getValue());
  }
}
