package org.clip4j.weights;

import java.util.Arrays;

/**
 * What a file says of one tensor, after it was checked.
 *
 * @param name of the tensor in the file
 * @param type of its elements
 * @param shape its dimensions; empty for a scalar
 */
public record TensorInfo(String name, TensorType type, long[] shape) {

  /** Number of elements. */
  public long count() {
    long count = 1;
    for (long dim : shape) {
      count *= dim; // whoever read the shape has seen that this fits
    }
    return count;
  }

  /** For messages: {@code F32 [2, 3]}. */
  String describe() {
    return type + " " + Arrays.toString(shape);
  }
}
