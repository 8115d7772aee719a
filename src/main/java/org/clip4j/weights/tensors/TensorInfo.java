package org.clip4j.weights.tensors;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Holds what a file says of one tensor, after it was checked.
 *
 * @param name of the tensor in the file
 * @param type of its elements
 * @param shape its dimensions; empty for a scalar
 */
public record TensorInfo(String name, TensorType type, List<Long> shape) {

  /** Copies the shape. */
  public TensorInfo {
    shape = List.copyOf(shape);
  }

  /** Takes the dimensions one by one. */
  public TensorInfo(String name, TensorType type, long... shape) {
    this(name, type, Arrays.stream(shape).boxed().toList());
  }

  /** Returns the number of elements. */
  public long count() {
    long count = 1;
    for (long dim : shape) {
      count *= dim; // whoever read the shape has seen that this fits
    }
    return count;
  }

  /**
   * Counts the elements of a tensor that is to become an array.
   *
   * @param file for the message
   * @throws IllegalArgumentException if they are too many for one
   */
  public int arraySize(Path file) {
    if (count() > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          file + ": '" + name + "' " + describe() + " is too large for one array");
    }
    return (int) count();
  }

  /** Describes the tensor for messages: {@code F32 [2, 3]}. */
  public String describe() {
    return type + " " + shape;
  }
}
