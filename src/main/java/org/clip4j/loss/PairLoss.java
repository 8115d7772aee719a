package org.clip4j.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import java.util.ArrayList;
import java.util.List;
import org.clip4j.engine.internal.Autograd;
import org.clip4j.engine.internal.TorchScript;

/**
 * Computes the loss of a batch of pairs, of which row n of the images belongs to row n of the
 * texts.
 *
 * <p>Gives its gradients itself, without a recording: the N x N logits are gone through a few rows
 * at a time and never held whole, so a batch of any size takes memory for its embeddings only.
 */
public abstract sealed class PairLoss permits ContrastiveLoss, SigmoidLoss {

  /** Logits of one piece, at most, unless {@link #ROWS} rows have more. */
  private static final int PIECE = 1 << 18;

  /** Rows of one piece, at least. */
  private static final int ROWS = 64;

  /**
   * {@code belongs}: which texts belong to which images, [rows, N], from the numbers in which equal
   * ones say so. {@code rows}: the rows of a piece.
   */
  private static final String SHARED =
      """

      def belongs(self, ids: Tensor, start: int, end: int) -> Tensor:
        captions = torch.select(ids, 0, 0)
        images = torch.select(ids, 0, 1)
        same = torch.eq(torch.unsqueeze(torch.slice(captions, 0, start, end), 1), captions)
        return torch.__or__(same, torch.eq(torch.unsqueeze(torch.slice(images, 0, start, end), 1), images))

      def rows(self, N: int) -> int:
        return int(ops.prim.max({rows}, torch.floordiv({piece}, N)))
      """
          .replace("{piece}", Integer.toString(PIECE))
          .replace("{rows}", Integer.toString(ROWS));

  private final TorchScript kernels;
  private final List<NDArray> parameters;

  PairLoss(NDManager manager, String source, List<NDArray> parameters) {
    kernels = TorchScript.compile(manager, source + SHARED);
    this.parameters = List.copyOf(parameters);
  }

  /**
   * Holds a loss and its gradients; all are float32 and owned by one manager.
   *
   * @param value scalar
   * @param image [N, E]
   * @param text [N, E]
   * @param parameters one for each of {@link PairLoss#parameters}
   */
  public record Gradients(NDArray value, NDArray image, NDArray text, List<NDArray> parameters) {}

  /** What the kernel takes of a teacher. */
  abstract List<NDArray> taught(NDManager manager, TeacherEmbeddings teacher, int n);

  /**
   * Returns what the loss learns itself: the logarithm of the logit scale, and the bias if it has
   * one.
   */
  public final List<NDArray> parameters() {
    return parameters;
  }

  /**
   * Computes the loss of a batch, and its gradients.
   *
   * @param image [N, E], unit length; its manager owns the results
   * @param text [N, E], unit length
   * @param matches which other pairs' texts belong to an image too
   * @param teacher what a teacher makes of the same pairs
   * @param scale multiplies the gradients, not the loss
   * @throws IllegalArgumentException if there is a teacher, and this loss learns from none
   */
  public final Gradients gradients(
      NDArray image, NDArray text, Matches matches, TeacherEmbeddings teacher, double scale) {
    NDManager manager = image.getManager();
    int n = Math.toIntExact(image.size(0));
    try (NDManager inputs = manager.newSubManager()) {
      List<NDArray> all =
          new ArrayList<>(
              List.of(image, text, matches.upload(inputs, n), inputs.create((float) scale)));
      all.addAll(taught(inputs, teacher, n));
      all.addAll(parameters);
      Object[] arguments = all.toArray();
      NDList results =
          Autograd.withoutRecording(
              () -> kernels.callForAll(TorchScript.Mode.TRAINING, "gradients", arguments));
      return new Gradients(
          results.get(0), results.get(1), results.get(2), results.subList(3, results.size()));
    }
  }
}
