package org.clip4j.weights.tensors;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Reads a file of named tensors, or a set of such files that belong together.
 *
 * <p>Opening it reads what describes the tensors; their values are read when they are asked for,
 * and nothing is kept of them.
 *
 * <p>Safe for use by several threads. Whoever opens it closes it; reading afterwards fails. As with
 * any channel of {@code java.nio}, interrupting a thread while it reads closes the file for all. Do
 * not change an open file in place; replacing it by renaming is safe.
 */
public interface TensorFile extends AutoCloseable {

  /** Returns the file this was opened from; of a set its index. */
  Path file();

  /** Returns what the file holds, by name; not modifiable. */
  Map<String, TensorInfo> tensors();

  /**
   * Reads values of a tensor, row-major, into a buffer. Types other than F32 are converted: F16 and
   * BF16 exactly, F64 rounded, integers exactly up to 2^24.
   *
   * @param from index of the first value wanted
   * @param target filled
   * @param finite whether a value that is NaN or infinite, as a float, is an error
   * @throws IllegalArgumentException if there is no such tensor, its type cannot be read as floats,
   *     or it has not so many values
   * @throws java.io.UncheckedIOException if the file cannot be read, or a value is not finite; it
   *     names file and tensor
   * @throws IllegalStateException if the file was closed
   */
  void copy(String name, long from, FloatBuffer target, boolean finite);

  /** Reads values as {@link #copy(String, long, FloatBuffer, boolean)} does, whatever they are. */
  default void copy(String name, long from, FloatBuffer target) {
    copy(name, from, target, false);
  }

  /** Reads values that must be finite, see {@link #copy(String, long, FloatBuffer, boolean)}. */
  default void copyFinite(String name, long from, FloatBuffer target) {
    copy(name, from, target, true);
  }

  /**
   * Returns the values of an integer or boolean tensor, row-major.
   *
   * @throws IllegalArgumentException if there is no such tensor, it does not hold integers that fit
   *     a long, or it has 2^31 elements or more
   */
  long[] longs(String name);

  /**
   * Counts the elements of a tensor that is to become an array.
   *
   * @throws IllegalArgumentException if there is no such tensor, or it has too many for one
   */
  default int arraySize(String name) {
    TensorInfo info = tensors().get(name);
    if (info == null) {
      throw new IllegalArgumentException(file() + " has no tensor '" + name + "'");
    }
    return info.arraySize(file());
  }

  /**
   * Returns the values of a tensor as {@link #copy} reads them.
   *
   * @return a new read-only buffer of as many floats as the tensor has elements
   */
  default FloatBuffer floats(String name) {
    FloatBuffer values = FloatBuffer.allocate(arraySize(name));
    copy(name, 0, values);
    return values.flip().asReadOnlyBuffer();
  }

  /**
   * Returns the tensors whose names start with a prefix and a dot, under the rest of their names:
   * {@code under("state_dict.module")} shows {@code state_dict.module.logit_scale} as {@code
   * logit_scale}.
   *
   * @return a view of this file; closing it closes this file
   */
  default TensorFile under(String prefix) {
    return RenamedTensors.under(this, prefix + ".");
  }

  /**
   * Shows all tensors under other names.
   *
   * @return a view of this file; empty if two would have one name
   */
  default Optional<TensorFile> renamed(UnaryOperator<String> rename) {
    return RenamedTensors.all(this, rename);
  }

  @Override
  void close() throws IOException;
}
