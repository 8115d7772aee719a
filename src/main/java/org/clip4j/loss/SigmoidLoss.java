package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;

/**
 * Computes SigLIP's loss (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"): each
 * of the N x N pairs of a batch is a question of its own, whether the two belong together; the loss
 * is the sum of the negative log-likelihoods over N.
 */
public final class SigmoidLoss extends PairLoss {

  /** With l 1 or -1, the gradient with respect to the logits z is -l sigmoid(-l z) / N. */
  private static final String SOURCE =
      """
      def gradients(self, image: Tensor, text: Tensor, ids: Tensor, factor: Tensor, log_scale: Tensor, bias: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        N = torch.size(image, 0)
        step = self.rows(N)
        scale = torch.exp(log_scale)
        value = torch.zeros_like(log_scale)
        d_image = annotate(List[Tensor], [])
        d_text = torch.zeros_like(text)
        d_log_scale = torch.zeros_like(log_scale)
        d_bias = torch.zeros_like(bias)
        for i in range(torch.floordiv(N + step - 1, step)):
          rows = torch.slice(image, 0, i * step, (i + 1) * step)
          z = torch.mul(torch.matmul(rows, torch.t(text)), scale)  # [rows, N], before the bias
          l = torch.sub(torch.mul(torch.to(self.belongs(ids, i * step, (i + 1) * step), 6), 2.), 1.)
          answer = torch.mul(torch.add(z, bias), l)
          value = torch.sub(value, torch.sum(torch.log_sigmoid(answer)))
          d = torch.mul(torch.sigmoid_(torch.neg_(answer)), l)
          d = torch.mul_(d, torch.div(factor, -N))
          d_bias = torch.add(d_bias, torch.sum(d))
          d_log_scale = torch.add(d_log_scale, torch.sum(torch.mul(d, z)))
          d = torch.mul_(d, scale)
          d_image = torch.append(d_image, torch.matmul(d, text))
          d_text = torch.add(d_text, torch.matmul(torch.t(d), rows))
        return (torch.div(value, N), torch.cat(d_image), d_text, d_log_scale, d_bias)
      """;

  /**
   * Compiles the kernels.
   *
   * @param manager owns them
   * @param logScale scalar, the logarithm of the logit scale
   * @param bias scalar
   */
  public SigmoidLoss(NDManager manager, NDArray logScale, NDArray bias) {
    super(manager, SOURCE, List.of(logScale, bias));
  }

  @Override
  List<NDArray> taught(NDManager manager, TeacherEmbeddings teacher, int n) {
    if (teacher != TeacherEmbeddings.NONE) {
      throw new IllegalArgumentException(
          "a sigmoid loss learns from no teacher: it has no distribution over the batch");
    }
    return List.of();
  }
}
