package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.engine.internal.TorchScript.Mode;
import org.jspecify.annotations.Nullable;

/**
 * Brings embeddings to unit length and computes the logits between them, as every loss takes them
 * and a classifier goes by. Gradients flow through all calls while they are recorded.
 */
public final class Similarity {
  private static final String SOURCE =
      """
      def normalize(self, x: Tensor) -> Tensor:
        return torch.div(x, torch.clamp_min(torch.norm(x, 2, [-1], True), 1e-12))

      def mean_cosine(self, x: Tensor) -> Tensor:
        N = torch.size(x, 0)
        sum = torch.sum(x, [0])  # [E]; |sum|^2 holds every ordered pair, and each row with itself
        pairs = torch.sub(torch.dot(sum, sum), torch.sum(torch.mul(x, x)))
        return torch.div(pairs, N * (N - 1))

      def logits(self, image: Tensor, text: Tensor, log_scale: Tensor) -> Tensor:
        return torch.matmul(torch.mul(image, torch.exp(log_scale)), torch.t(text))  # [N, M]

      def biased_logits(self, image: Tensor, text: Tensor, log_scale: Tensor, bias: Tensor) -> Tensor:
        return torch.add(self.logits(image, text, log_scale), bias)  # [N, M]

      """;

  private final TorchScript kernels;

  /** Compiles the kernels, owned by {@code manager}. */
  public Similarity(NDManager manager) {
    kernels = TorchScript.compile(manager, SOURCE);
  }

  /**
   * Scales vectors to unit length.
   *
   * @param embeddings [N, E]
   * @return [N, E]; a zero vector stays zero
   */
  public NDArray normalize(NDArray embeddings) {
    return kernels.call(Mode.TRAINING, "normalize", embeddings);
  }

  /**
   * Returns the mean cosine similarity of two different rows. Not recorded.
   *
   * @param embeddings [N, E], unit length
   * @return NaN for a single row
   */
  public double meanCosine(NDArray embeddings) {
    if (embeddings.size(0) < 2) {
      return Double.NaN;
    }
    try (NDArray mean = kernels.call(Mode.INFERENCE, "mean_cosine", embeddings)) {
      return mean.getFloat();
    }
  }

  /**
   * Computes the logits: the scaled cosine similarities, and a bias where the model has one.
   *
   * @param image [N, E], unit length
   * @param text [M, E], unit length
   * @param logScale scalar, the logarithm of the logit scale
   * @param bias scalar, or null
   * @return [N, M]
   */
  public NDArray logits(NDArray image, NDArray text, NDArray logScale, @Nullable NDArray bias) {
    return bias == null
        ? kernels.call(Mode.TRAINING, "logits", image, text, logScale)
        : kernels.call(Mode.TRAINING, "biased_logits", image, text, logScale, bias);
  }
}
