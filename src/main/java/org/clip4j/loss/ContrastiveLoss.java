package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;

/**
 * Computes CLIP's symmetric contrastive loss (Radford et al. 2021, figure 3): N images and N texts
 * give N x N scaled cosine similarities, and the loss is the mean of the cross-entropies over rows
 * and columns. The target of a row is 1 at its own text; where k texts belong to an image, 1 / k at
 * each.
 */
public final class ContrastiveLoss extends PairLoss {

  /**
   * With z the logits, t 1 where a text belongs to an image, and k the ones in each row of t (which
   * is symmetric), the gradient of the loss with respect to z is
   *
   * <pre>(softmax over rows(z) + softmax over columns(z) - t / k_row - t / k_column) / 2N.</pre>
   *
   * With a teacher's logits y there is as much once more, with softmax over rows(y) in place of t /
   * k_row and softmax over columns(y) in place of t / k_column. The first passage finds the
   * normalisers of rows and columns and the loss, the second this.
   */
  private static final String SOURCE =
      """
      def gradients(self, image: Tensor, text: Tensor, ids: Tensor, factor: Tensor, teacher_image: Tensor, teacher_text: Tensor, teacher_scale: Tensor, log_scale: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
        N = torch.size(image, 0)
        taught = torch.eq(torch.size(teacher_image, 0), N)
        step = self.rows(N)
        pieces = torch.floordiv(N + step - 1, step)
        scale = torch.exp(log_scale)
        image_normalisers = annotate(List[Tensor], [])
        counts = annotate(List[Tensor], [])
        text_normalisers = torch.full([N], -inf, dtype=6, layout=None, device=ops.prim.device(image), pin_memory=False)
        teacher_image_normalisers = annotate(List[Tensor], [])
        teacher_text_normalisers = text_normalisers
        for i in range(pieces):
          z = torch.mul(torch.matmul(torch.slice(image, 0, i * step, (i + 1) * step), torch.t(text)), scale)
          image_normalisers = torch.append(image_normalisers, torch.logsumexp(z, [1]))
          text_normalisers = torch.logaddexp(text_normalisers, torch.logsumexp(z, [0]))
          counts = torch.append(counts, torch.sum(self.belongs(ids, i * step, (i + 1) * step), [1], False, dtype=6))
          if taught:
            y = torch.mul(torch.matmul(torch.slice(teacher_image, 0, i * step, (i + 1) * step), torch.t(teacher_text)), teacher_scale)
            teacher_image_normalisers = torch.append(teacher_image_normalisers, torch.logsumexp(y, [1]))
            teacher_text_normalisers = torch.logaddexp(teacher_text_normalisers, torch.logsumexp(y, [0]))
          else:
            pass
        image_normaliser = torch.cat(image_normalisers)  # [N]
        share = torch.reciprocal(torch.cat(counts))  # [N], 1 / k
        value = torch.add(torch.sum(image_normaliser), torch.sum(text_normalisers))
        if taught:
          value = torch.mul(value, 2)
        else:
          pass
        d_image = annotate(List[Tensor], [])
        d_text = torch.zeros_like(text)
        d_log_scale = torch.zeros_like(log_scale)
        for i in range(pieces):
          rows = torch.slice(image, 0, i * step, (i + 1) * step)
          z = torch.mul(torch.matmul(rows, torch.t(text)), scale)  # [rows, N]
          target = torch.add(torch.unsqueeze(torch.slice(share, 0, i * step, (i + 1) * step), 1), share)
          target = torch.mul_(target, self.belongs(ids, i * step, (i + 1) * step))
          if taught:
            y = torch.mul(torch.matmul(torch.slice(teacher_image, 0, i * step, (i + 1) * step), torch.t(teacher_text)), teacher_scale)
            target = torch.add_(target, torch.exp(torch.sub(y, torch.unsqueeze(teacher_image_normalisers[i], 1))))
            target = torch.add_(target, torch.exp(torch.sub(y, teacher_text_normalisers)))
          else:
            pass
          value = torch.sub(value, torch.sum(torch.mul(z, target)))
          normaliser = torch.unsqueeze(torch.slice(image_normaliser, 0, i * step, (i + 1) * step), 1)
          d = torch.add(torch.exp_(torch.sub(z, normaliser)), torch.exp_(torch.sub(z, text_normalisers)))
          if taught:
            d = torch.mul_(d, 2)
          else:
            pass
          d = torch.mul_(torch.sub_(d, target), torch.div(factor, 2 * N))
          d_log_scale = torch.add(d_log_scale, torch.sum(torch.mul(d, z)))
          d = torch.mul_(d, scale)
          d_image = torch.append(d_image, torch.matmul(d, text))
          d_text = torch.add(d_text, torch.matmul(torch.t(d), rows))
        return (torch.div(value, 2 * N), torch.cat(d_image), d_text, d_log_scale)
      """;

  /**
   * Compiles the kernels.
   *
   * @param manager owns them
   * @param logScale scalar, the logarithm of the logit scale
   */
  public ContrastiveLoss(NDManager manager, NDArray logScale) {
    super(manager, SOURCE, List.of(logScale));
  }

  @Override
  List<NDArray> taught(NDManager manager, TeacherEmbeddings teacher, int n) {
    return teacher.upload(manager, n);
  }
}
