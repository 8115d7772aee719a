package org.clip4j.weights;

import java.util.Arrays;

/**
 * What a safetensors header says of one tensor, after it was checked.
 *
 * @param name of the tensor in the file
 * @param type of its elements
 * @param shape its dimensions; empty for a scalar
 * @param begin first byte of its values, counted from the end of the header
 * @param end byte after the last of its values, counted likewise
 */
public record TensorInfo(String name, TensorType type, long[] shape, long begin, long end) {

  /** Number of elements. */
  public long count() {
    return (end - begin) / type.size();
  }

  /** For messages: {@code F32 [2, 3]}. */
  String describe() {
    return type + " " + Arrays.toString(shape);
  }
}
