package org.clip4j.engine.internal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** PyTorch's gradient recording, for the calling thread. */
public final class Autograd {
  /** Contiguous, since the fused optimizer goes through memory in order. */
  private static final String SOURCE =
      """
      def gradients(self, output: Tensor, gradient: Tensor, p: List[Tensor]) -> List[Tensor]:
        return self.given(torch.grad([output], p, annotate(List[Optional[Tensor]], [gradient]), None, False, True), p)

      def kept_gradients(self, output: Tensor, gradient: Tensor, p: List[Tensor]) -> List[Tensor]:
        return self.given(torch.grad([output], p, annotate(List[Optional[Tensor]], [gradient]), True, False, True), p)

      def given(self, found: List[Optional[Tensor]], p: List[Tensor]) -> List[Tensor]:
        g = annotate(List[Tensor], [])
        for i in range(torch.len(p)):
          own = found[i]
          if torch.__isnot__(own, None):
            g = torch.append(g, torch.contiguous(unchecked_cast(Tensor, own)))
          else:
            g = torch.append(g, torch.zeros_like(p[i]))
        return g

      def add(self, sums: List[Tensor], more: List[Tensor]) -> float:
        torch._foreach_add_(sums, more)
        return 0.
      """;

  private final TorchScript kernels;

  /** Compiles what backward passes need, owned by {@code manager}. */
  public Autograd(NDManager manager) {
    kernels = TorchScript.compile(manager, SOURCE);
  }

  /**
   * Runs a computation whose {@link TorchScript.Mode#TRAINING} calls are recorded for a backward
   * pass.
   */
  public static <T extends @Nullable Object> T record(Supplier<T> computation) {
    return withGradMode(true, computation);
  }

  /**
   * Runs a computation whose {@link TorchScript.Mode#TRAINING} calls are not recorded; its results,
   * unlike those of {@link TorchScript.Mode#INFERENCE}, may later take part in recorded ones.
   */
  public static <T extends @Nullable Object> T withoutRecording(Supplier<T> computation) {
    return withGradMode(false, computation);
  }

  static <T extends @Nullable Object> T withGradMode(boolean enabled, Supplier<T> computation) {
    boolean before = JniUtils.isGradMode();
    JniUtils.setGradMode(enabled);
    try {
      return computation.get();
    } finally {
      JniUtils.setGradMode(before);
    }
  }

  /**
   * Sends a gradient back through a recorded computation, and frees the record.
   *
   * <p>Gradients are handed out, not kept with the parameters, so that none takes memory while the
   * next step is recorded.
   *
   * @param output any shape
   * @param gradient of the loss with respect to {@code output}, of the same shape
   * @param parameters made by {@link TorchScript#list}
   * @return the loss's gradient for each, zeros where {@code output} does not depend on it; owned
   *     by the manager of {@code output}
   */
  public NDList gradients(NDArray output, NDArray gradient, NDList parameters) {
    return gradients("gradients", output, gradient, parameters);
  }

  /** As {@link #gradients}, but keeps the record, for another gradient. */
  public NDList keptGradients(NDArray output, NDArray gradient, NDList parameters) {
    return gradients("kept_gradients", output, gradient, parameters);
  }

  private NDList gradients(String method, NDArray output, NDArray gradient, NDList parameters) {
    return withoutRecording(
        () -> kernels.callForAll(TorchScript.Mode.TRAINING, method, output, gradient, parameters));
  }

  /** Adds to sums in place, each to its own; all on one device. */
  public void add(NDList sums, NDList more) {
    kernels.update("add", sums, more);
  }
}
