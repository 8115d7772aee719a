package org.clip4j.engine.internal;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

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
}
