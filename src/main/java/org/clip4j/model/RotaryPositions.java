package org.clip4j.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import org.clip4j.engine.internal.Autograd;

/**
 * Positions of patches that turn queries and keys (Su et al. 2021, "RoFormer"), in two dimensions
 * (timm's {@code RotaryEmbeddingCat}): half of a head's channels are turned by the row of the
 * patch, the others by its column, each pair of neighbours at a speed of its own.
 *
 * @param gridHeight rows of patches
 * @param gridWidth columns of patches
 * @param referenceGrid rows and columns that the grid is stretched to, those of the first training
 * @param start of the first row and column, before the grid is stretched
 * @param columnsFirst whether the first half of the channels is turned by the column
 * @param headWidth channels of a head, a multiple of 4
 * @param before tokens before the patches, which are not turned
 */
record RotaryPositions(
    int gridHeight,
    int gridWidth,
    int referenceGrid,
    int start,
    boolean columnsFirst,
    int headWidth,
    int before) {

  /** Float by float what timm computes, so that tables are equal. */
  private static final String SOURCE =
      """

      def rope(self, like: Tensor) -> Tensor:
        speeds = torch.div(self.count(like, {bands}), {bands})
        speeds = torch.reciprocal(torch.pow(10000., speeds))
        rows = torch.expand(torch.unsqueeze(self.places(like, {gh}), 1), [{gh}, {gw}])
        columns = torch.expand(torch.unsqueeze(self.places(like, {gw}), 0), [{gh}, {gw}])
        places = torch.stack([{first}, {second}], -1)  # [gh, gw, 2]
        angles = torch.reshape(torch.mul(torch.unsqueeze(places, -1), speeds), [{gh} * {gw}, {d/2}])
        angles = torch.constant_pad_nd(angles, [0, 0, {before}, 0], 0)
        turns = torch.stack([torch.cos(angles), torch.sin(angles)], -1)
        return torch.reshape(turns, [1, 1, -1, {d/2}, 2])  # [1, 1, L, D/2H, 2]

      def places(self, like: Tensor, size: int) -> Tensor:
        return torch.mul(torch.div(torch.add(self.count(like, size), {start}), size), {reference})

      def count(self, like: Tensor, size: int) -> Tensor:
        return torch.to(torch.arange(size, dtype=4, layout=None, device=ops.prim.device(like), pin_memory=False), 6)

      def kept_rope(self, kept: Tensor, rope: Tensor) -> Tensor:
        index = torch.constant_pad_nd(torch.add(kept, {before}), [{before}, 0], 0)
        turns = self.rows(torch.reshape(rope, [-1, 2 * {d/2}]), index)
        return torch.reshape(turns, [torch.size(index, 0), 1, -1, {d/2}, 2])  # [N, 1, K + before, D/2H, 2]
      """;

  /**
   * Defines {@code rope}, the cosines and sines by which each row is turned, and {@code kept_rope},
   * those of some patches [N, K].
   */
  String source() {
    return SOURCE
        .replace("{gh}", Integer.toString(gridHeight))
        .replace("{gw}", Integer.toString(gridWidth))
        .replace("{bands}", Integer.toString(headWidth / 4))
        .replace("{d/2}", Integer.toString(headWidth / 2))
        .replace("{before}", Integer.toString(before))
        .replace("{start}", Integer.toString(start))
        .replace("{reference}", Integer.toString(referenceGrid))
        .replace("{first}", columnsFirst ? "columns" : "rows")
        .replace("{second}", columnsFirst ? "rows" : "columns");
  }

  /** Computes the table of kernels with {@link #source}; the manager owns it. */
  static NDArray table(NDManager manager, TowerKernels kernels) {
    try (NDArray like = manager.create(0f)) {
      return Autograd.withoutRecording(() -> kernels.call(Forward.TRAIN, "rope", like));
    }
  }
}
