package org.clip4j.weights.internal;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How a tensor lies in its storage, in elements: the element at index i is at {@code offset + sum
 * of i[d] * stride[d]}.
 *
 * @param offset of the first element
 * @param shape dimensions
 * @param stride as many
 */
public record StridedView(long offset, long[] shape, long[] stride) {
  private static final int MAX_DIMENSIONS = 64;

  /** Elements that a view may repeat, whatever the size of its storage. */
  private static final long MAX_REPEATED = 1 << 20;

  /** What is wrong with a view of a storage of so many elements; null if it is fine. */
  public String problem(long storageElements) {
    if (shape.length != stride.length || shape.length > MAX_DIMENSIONS) {
      return "has "
          + shape.length
          + " dimensions and "
          + stride.length
          + " strides; at most "
          + MAX_DIMENSIONS
          + " of each are allowed";
    }
    if (offset < 0
        || Arrays.stream(shape).anyMatch(d -> d < 0)
        || Arrays.stream(stride).anyMatch(s -> s < 0)) {
      return "has a negative offset, dimension or stride";
    }
    if (isEmpty()) {
      return null;
    }
    try {
      long count = 1;
      for (long dim : shape) {
        count = Math.multiplyExact(count, dim);
      }
      if (end() > storageElements) {
        return "reaches element " + (end() - 1) + " of a storage of " + storageElements;
      }
      if (count > Math.max(storageElements, MAX_REPEATED)) {
        return "repeats the elements of its storage too often";
      }
    } catch (ArithmeticException e) {
      return "has a size that overflows";
    }
    int[] order = byStride();
    long reach = 0; // of the dimensions within
    for (int k = order.length - 1; k >= 0; k--) {
      int d = order[k];
      if (stride[d] != 0 && shape[d] > 1) {
        if (stride[d] <= reach) {
          return "overlaps itself";
        }
        reach += (shape[d] - 1) * stride[d];
      }
    }
    return null;
  }

  /** The element of the storage after the last that it shows; of views that are not empty. */
  long end() {
    long last = offset;
    for (int d = 0; d < shape.length; d++) {
      last = Math.addExact(last, Math.multiplyExact(shape[d] - 1, stride[d]));
    }
    return Math.addExact(last, 1);
  }

  private boolean isEmpty() {
    return Arrays.stream(shape).anyMatch(d -> d == 0);
  }

  /** Whether its elements follow each other in row-major order. */
  boolean isContiguous() {
    if (isEmpty()) {
      return true;
    }
    long expected = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      if (shape[d] != 1) {
        if (stride[d] != expected) {
          return false;
        }
        expected *= shape[d];
      }
    }
    return true;
  }

  /** Takes an element's place in the storage and its row-major place in the tensor. */
  @FunctionalInterface
  interface Visitor {
    void visit(long inStorage, int inTensor);
  }

  /** Visits every element once, in the order of the storage, so that a file is read forwards. */
  void forEach(Visitor visitor) {
    if (isEmpty()) {
      return;
    }
    int[] order = byStride();
    int n = order.length;
    long[] rowMajor = new long[n];
    long step = 1;
    for (int d = n - 1; d >= 0; d--) {
      rowMajor[d] = step;
      step *= shape[d];
    }
    long[] index = new long[n];
    long from = offset;
    long to = 0;
    while (true) {
      visitor.visit(from, (int) to);
      int k = n - 1;
      while (k >= 0 && ++index[k] == shape[order[k]]) { // the innermost has the least stride
        index[k] = 0;
        from -= (shape[order[k]] - 1) * stride[order[k]];
        to -= (shape[order[k]] - 1) * rowMajor[order[k]];
        k--;
      }
      if (k < 0) {
        return;
      }
      from += stride[order[k]];
      to += rowMajor[order[k]];
    }
  }

  /** Dimensions, the one of the largest stride first. */
  private int[] byStride() {
    return IntStream.range(0, shape.length)
        .boxed()
        .sorted(Comparator.<Integer>comparingLong(d -> stride[d]).reversed())
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
