package org.clip4j.engine.internal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * What happens to pixels on the device: from 8-bit levels to the normalised input of an image
 * encoder.
 */
public final class PixelKernels {
  private static final String SOURCE =
      """
      def normalize(self, levels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        x = torch.div_(torch.to(levels, 6), 255.)
        return torch.div_(torch.sub_(x, mean), std)

      def strips(self, strips: Tensor, size: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        patch = int(torch.select(size, 0, 0))
        count = int(torch.select(size, 0, 1))
        N = torch.size(strips, 0)
        end = 3 * patch * patch * count
        x = torch.reshape(torch.slice(strips, 1, 0, end), [N, 3, patch, count * patch])
        x = torch.reshape(self.normalize(x, mean, std), [N, 3, patch, count, patch])
        x = torch.reshape(torch.permute(x, [0, 3, 2, 4, 1]), [N, count, patch * patch * 3])
        b = torch.to(torch.reshape(torch.slice(strips, 1, end), [N, 1, 2, 2]), 6)
        grid = torch.add(torch.mul(torch.select(b, 3, 0), 256.), torch.select(b, 3, 1))  # [N, 1, 2]
        return torch.cat([x, torch.constant_pad_nd(grid, [0, patch * patch * 3 - 2], 0)], 1)
      """;

  private final TorchScript kernels;
  private final NDArray mean;
  private final NDArray std;

  /**
   * Compiles the kernels.
   *
   * @param manager owns them
   * @param mean per channel, of values in [0, 1]
   * @param std per channel, of values in [0, 1]
   */
  public PixelKernels(NDManager manager, float[] mean, float[] std) {
    kernels = TorchScript.compile(manager, SOURCE);
    this.mean = manager.create(mean).reshape(-1, 1, 1);
    this.std = manager.create(std).reshape(-1, 1, 1);
  }

  /**
   * (level / 255 - mean) / std.
   *
   * @param levels [N, 3, height, width], uint8; its manager owns the result
   * @return the same shape, float32
   */
  public NDArray normalize(NDArray levels) {
    return kernels.call(TorchScript.Mode.TRAINING, "normalize", levels, mean, std);
  }

  /**
   * The same of images that are strips of patches, see {@code ImageTransform.apply}.
   *
   * @param strips [N, 3 P * M P + 4], uint8; its manager owns the result
   * @param patch P
   * @param count M
   * @return [N, M + 1, P P 3], float32: the patches, and in the last row the numbers of rows and of
   *     columns that they come from
   */
  public NDArray strips(NDArray strips, int patch, int count) {
    try (NDArray size =
        HostMemory.upload(strips.getManager(), new Shape(2), new long[] {patch, count})) {
      return kernels.call(TorchScript.Mode.TRAINING, "strips", strips, size, mean, std);
    }
  }
}
