package org.clip4j.explain;

import ai.djl.ndarray.NDArray;
import java.util.Arrays;

/** Holds floats in some dimensions, row-major; a copy that nothing changes. */
public final class FloatTensor {
  private final int[] shape;
  private final float[] values;

  private FloatTensor(int[] shape, float[] values) {
    this.shape = shape;
    this.values = values;
  }

  /** Copies an array [1, ...] without its first dimension. */
  static FloatTensor ofOne(NDArray array) {
    return of(array.squeeze(0));
  }

  static FloatTensor of(NDArray array) {
    int[] shape = Arrays.stream(array.getShape().getShape()).mapToInt(Math::toIntExact).toArray();
    return new FloatTensor(shape, array.toFloatArray());
  }

  /** Takes the values as they are. */
  static FloatTensor of(float[] values, int... shape) {
    return new FloatTensor(shape, values);
  }

  /** Returns the sizes of the dimensions, a copy. */
  public int[] shape() {
    return shape.clone();
  }

  /** Returns all values, row-major, a copy. */
  public float[] values() {
    return values.clone();
  }

  /**
   * Returns the value at an index, or the first one at an index of fewer dimensions.
   *
   * @throws IndexOutOfBoundsException if there is none
   */
  public float get(int... index) {
    return values[offset(index)];
  }

  /** Returns the values of the last dimension at an index of all others, a copy. */
  public float[] row(int... index) {
    if (index.length != shape.length - 1) {
      throw new IndexOutOfBoundsException(
          "a row of " + this + " has an index of " + (shape.length - 1) + " numbers");
    }
    int from = offset(index);
    return Arrays.copyOfRange(values, from, from + shape[shape.length - 1]);
  }

  private int offset(int... index) {
    int offset = 0;
    for (int i = 0; i < shape.length; i++) {
      int at = i < index.length ? index[i] : 0;
      if (at < 0 || at >= shape[i] || index.length > shape.length) {
        throw new IndexOutOfBoundsException("no index " + Arrays.toString(index) + " in " + this);
      }
      offset = offset * shape[i] + at;
    }
    return offset;
  }

  @Override
  public String toString() {
    return "a tensor of shape " + Arrays.toString(shape);
  }
}
