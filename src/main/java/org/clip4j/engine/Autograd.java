package org.clip4j.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.function.Supplier;

/** PyTorch's gradient recording, for the calling thread. */
public final class Autograd {
  private Autograd() {}

  /**
   * Runs a computation whose {@link TorchScript.Mode#TRAINING} calls are recorded for a backward
   * pass.
   */
  public static <T> T record(Supplier<T> computation) {
    return withGradMode(true, computation);
  }

  /**
   * Runs a computation whose {@link TorchScript.Mode#TRAINING} calls are not recorded; its results,
   * unlike those of {@link TorchScript.Mode#INFERENCE}, may later take part in recorded ones.
   */
  public static <T> T withoutRecording(Supplier<T> computation) {
    return withGradMode(false, computation);
  }

  private static <T> T withGradMode(boolean enabled, Supplier<T> computation) {
    boolean before = JniUtils.isGradMode();
    JniUtils.setGradMode(enabled);
    try {
      return computation.get();
    } finally {
      JniUtils.setGradMode(before);
    }
  }

  /**
   * Adds to the gradients of everything that {@code output} was recorded from, and frees the
   * record.
   *
   * @param output any shape
   * @param gradient of the loss with respect to {@code output}, of the same shape
   */
  public static void backward(NDArray output, NDArray gradient) {
    JniUtils.backward((PtNDArray) output, (PtNDArray) gradient, false, false);
  }

  /** Sets the gradient accumulated so far to zero, if there is any. */
  public static void clear(NDArray array) {
    NDArray gradient = gradient(array);
    if (gradient != null) {
      gradient.close();
      JniUtils.zeroGrad((PtNDArray) array);
    }
  }

  /**
   * The gradient accumulated so far.
   *
   * @return an array sharing memory with it, owned by the manager of {@code array}; null before the
   *     first backward pass
   */
  public static NDArray gradient(NDArray array) {
    return JniUtils.getGradient((PtNDArray) array);
  }
}
