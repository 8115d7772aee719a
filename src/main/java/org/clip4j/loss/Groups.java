package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.clip4j.engine.HostMemory;

/** Pairs of a batch that belong together. */
final class Groups {
  private Groups() {}

  /**
   * Where another pair of the same group stands.
   *
   * @param groups N numbers, or null
   * @return [N, N], uint8, 1 off the diagonal where the numbers are equal; null if that is nowhere
   */
  static NDArray others(NDManager manager, int[] groups) {
    if (groups == null) {
      return null;
    }
    int n = groups.length;
    byte[] others = new byte[n * n];
    boolean any = false;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        if (i != j && groups[i] == groups[j]) {
          others[i * n + j] = 1;
          any = true;
        }
      }
    }
    return any ? HostMemory.upload(manager, new Shape(n, n), others) : null;
  }
}
