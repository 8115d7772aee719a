package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.clip4j.engine.HostMemory;
import org.clip4j.engine.TorchScript;
import org.clip4j.engine.TorchScript.Mode;

/**
 * CLIP's symmetric contrastive loss (Radford et al. 2021, figure 3): N images and N texts give N x
 * N scaled cosine similarities, and the loss is the mean of the cross-entropies over rows and
 * columns with the diagonal as target.
 *
 * <p>Gradients flow through all calls while they are recorded.
 */
public final class ContrastiveLoss {
  private static final String SOURCE =
      """
      def normalize(self, x: Tensor) -> Tensor:
        return torch.div(x, torch.clamp_min(torch.norm(x, 2, [-1], True), 1e-12))

      def loss(self, image: Tensor, text: Tensor, log_scale: Tensor) -> Tensor:
        return self.cross_entropies(self.logits(image, text, log_scale))

      def masked_loss(self, image: Tensor, text: Tensor, log_scale: Tensor, masked: Tensor) -> Tensor:
        logits = torch.masked_fill(self.logits(image, text, log_scale), torch.to(masked, 11), -inf)
        return self.cross_entropies(logits)

      def logits(self, image: Tensor, text: Tensor, log_scale: Tensor) -> Tensor:
        return torch.matmul(torch.mul(image, torch.exp(log_scale)), torch.t(text))  # [N, N]

      def cross_entropies(self, logits: Tensor) -> Tensor:
        N = torch.size(logits, 0)
        target = torch.arange(N, dtype=4, layout=None, device=ops.prim.device(logits), pin_memory=False)
        rows = torch.cross_entropy_loss(logits, target)
        columns = torch.cross_entropy_loss(torch.t(logits), target)
        return torch.mul(torch.add(rows, columns), 0.5)
      """;

  private final TorchScript kernels;

  /** Compiles the kernels, owned by {@code manager}. */
  public ContrastiveLoss(NDManager manager) {
    kernels = TorchScript.compile(manager, SOURCE);
  }

  /**
   * Vectors of unit length.
   *
   * @param embeddings [N, E]
   * @return [N, E]; a zero vector stays zero
   */
  public NDArray normalize(NDArray embeddings) {
    return kernels.call(Mode.TRAINING, "normalize", embeddings);
  }

  /**
   * Logits, the scaled cosine similarities.
   *
   * @param image [N, E], unit length
   * @param text [M, E], unit length
   * @param logScale scalar, the logarithm of the logit scale
   * @return [N, M]
   */
  public NDArray logits(NDArray image, NDArray text, NDArray logScale) {
    return kernels.call(Mode.TRAINING, "logits", image, text, logScale);
  }

  /**
   * The loss of a batch of pairs.
   *
   * @param image [N, E], unit length
   * @param text [N, E], unit length; row n belongs to row n of {@code image}
   * @param logScale scalar, the logarithm of the logit scale
   * @return scalar
   */
  public NDArray loss(NDArray image, NDArray text, NDArray logScale) {
    return kernels.call(Mode.TRAINING, "loss", image, text, logScale);
  }

  /**
   * As {@link #loss(NDArray, NDArray, NDArray)}, but pairs of one group do not count as each
   * other's negatives.
   *
   * @param groups N numbers; pairs with equal ones (the same caption, say) belong together
   */
  public NDArray loss(NDArray image, NDArray text, NDArray logScale, int[] groups) {
    int n = groups.length;
    byte[] masked = new byte[n * n];
    boolean any = false;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        if (i != j && groups[i] == groups[j]) {
          masked[i * n + j] = 1;
          any = true;
        }
      }
    }
    if (!any) {
      return loss(image, text, logScale);
    }
    NDArray mask = HostMemory.upload(image.getManager(), new Shape(n, n), masked);
    return kernels.call(Mode.TRAINING, "masked_loss", image, text, logScale, mask);
  }
}
