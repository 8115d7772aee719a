package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.clip4j.engine.TorchScript;
import org.clip4j.engine.TorchScript.Mode;

/**
 * SigLIP's loss (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"): each of the N x
 * N pairs of a batch is a question of its own, whether the two belong together; the loss is the sum
 * of the negative log-likelihoods over N.
 */
public final class SigmoidLoss implements PairLoss {
  private static final String SOURCE =
      """
      def loss(self, image: Tensor, text: Tensor, log_scale: Tensor, bias: Tensor) -> Tensor:
        return self.mean(self.likelihoods(image, text, log_scale, bias))

      def masked_loss(self, image: Tensor, text: Tensor, log_scale: Tensor, bias: Tensor, masked: Tensor) -> Tensor:
        likelihoods = self.likelihoods(image, text, log_scale, bias)
        return self.mean(torch.masked_fill(likelihoods, torch.to(masked, 11), 0.))

      def likelihoods(self, image: Tensor, text: Tensor, log_scale: Tensor, bias: Tensor) -> Tensor:
        logits = self.biased_logits(image, text, log_scale, bias)
        signs = torch.full_like(logits, -1.)
        torch.fill_(torch.diagonal(signs), 1.)
        return torch.log_sigmoid(torch.mul(logits, signs))  # [N, N]

      def mean(self, likelihoods: Tensor) -> Tensor:
        return torch.div(torch.neg(torch.sum(likelihoods)), torch.size(likelihoods, 0))

      """;

  private final TorchScript kernels;
  private final NDArray logScale;
  private final NDArray bias;

  /**
   * Compiles the kernels.
   *
   * @param manager owns them
   * @param logScale scalar, the logarithm of the logit scale
   * @param bias scalar
   */
  public SigmoidLoss(NDManager manager, NDArray logScale, NDArray bias) {
    kernels = TorchScript.compile(manager, SOURCE + Similarity.LOGITS);
    this.logScale = logScale;
    this.bias = bias;
  }

  @Override
  public NDArray loss(NDArray image, NDArray text, int[] groups) {
    NDArray masked = Groups.others(image.getManager(), groups);
    return masked == null
        ? kernels.call(Mode.TRAINING, "loss", image, text, logScale, bias)
        : kernels.call(Mode.TRAINING, "masked_loss", image, text, logScale, bias, masked);
  }
}
