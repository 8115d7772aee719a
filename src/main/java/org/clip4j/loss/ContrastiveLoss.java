package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.clip4j.engine.TorchScript;
import org.clip4j.engine.TorchScript.Mode;

/**
 * CLIP's symmetric contrastive loss (Radford et al. 2021, figure 3): N images and N texts give N x
 * N scaled cosine similarities, and the loss is the mean of the cross-entropies over rows and
 * columns with the diagonal as target.
 */
public final class ContrastiveLoss implements PairLoss {
  private static final String SOURCE =
      """
      def loss(self, image: Tensor, text: Tensor, log_scale: Tensor) -> Tensor:
        return self.cross_entropies(self.logits(image, text, log_scale))

      def masked_loss(self, image: Tensor, text: Tensor, log_scale: Tensor, masked: Tensor) -> Tensor:
        logits = torch.masked_fill(self.logits(image, text, log_scale), torch.to(masked, 11), -inf)
        return self.cross_entropies(logits)

      def cross_entropies(self, logits: Tensor) -> Tensor:
        N = torch.size(logits, 0)
        target = torch.arange(N, dtype=4, layout=None, device=ops.prim.device(logits), pin_memory=False)
        rows = torch.cross_entropy_loss(logits, target)
        columns = torch.cross_entropy_loss(torch.t(logits), target)
        return torch.mul(torch.add(rows, columns), 0.5)

      """;

  private final TorchScript kernels;
  private final NDArray logScale;

  /**
   * Compiles the kernels.
   *
   * @param manager owns them
   * @param logScale scalar, the logarithm of the logit scale
   */
  public ContrastiveLoss(NDManager manager, NDArray logScale) {
    kernels = TorchScript.compile(manager, SOURCE + Similarity.LOGITS);
    this.logScale = logScale;
  }

  @Override
  public NDArray loss(NDArray image, NDArray text, int[] groups) {
    NDArray masked = Groups.others(image.getManager(), groups);
    return masked == null
        ? kernels.call(Mode.TRAINING, "loss", image, text, logScale)
        : kernels.call(Mode.TRAINING, "masked_loss", image, text, logScale, masked);
  }
}
