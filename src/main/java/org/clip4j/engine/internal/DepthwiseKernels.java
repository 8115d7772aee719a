package org.clip4j.engine.internal;

import ai.djl.Device;
import java.util.List;
import java.util.stream.Collectors;
import org.clip4j.engine.Precision;

/**
 * Convolutions of each channel alone, with square kernels of odd size and padding that keeps the
 * grid. They are bound by memory and not by arithmetic, so the type of the values decides in which
 * type they are computed.
 *
 * <p>On CPUs oneDNN computes them, once it is proved for the shapes at hand, over whole blocks of
 * channels that lie side by side (channels last): from 56 x 56 to 14 x 14 and 7 x 7 kernels 2 to 4
 * times as fast as where each channel's grid lies in one piece. All else is a sum of shifted
 * products.
 */
public final class DepthwiseKernels {
  /** Channels that oneDNN lays out together, at most. */
  private static final int BLOCK = 16;

  /**
   * Values of an image below which oneDNN is not asked: a proof cannot tell which memory it would
   * find there, and nothing is gained.
   */
  private static final int TINY = 512;

  /** oneDNN's kernel as it is; proofs and models call it through this function alone. */
  private static final String NATIVE =
      """

      def native_depthwise(self, x: Tensor, w: Tensor, b: Optional[Tensor], stride: int) -> Tensor:
        p = torch.size(w, 2) // 2
        t = ops.prim.dtype(x)
        c = b
        if torch.__isnot__(b, None):
          c = torch.to(unchecked_cast(Tensor, b), t)
        y = torch.conv2d(x, torch.to(w, t), c, [stride, stride], [p, p], [1, 1], torch.size(w, 0))
        return y
      """;

  private static final String SHIFTED =
      """

      def shifted_depthwise(self, x: Tensor, w: Tensor, b: Optional[Tensor], stride: int) -> Tensor:
        k = torch.size(w, 2)
        p = k // 2
        rows = (torch.size(x, 2) - 1) // stride * stride + 1
        columns = (torch.size(x, 3) - 1) // stride * stride + 1
        x = torch.constant_pad_nd(x, [p, p, p, p], 0)
        sums = annotate(List[Tensor], [])
        for i in range(k):
          for j in range(k):
            part = torch.slice(torch.slice(x, 2, i, i + rows, stride), 3, j, j + columns, stride)
            part = torch.mul(part, torch.unsqueeze(torch.select(torch.select(w, 3, j), 2, i), 2))
            if torch.len(sums) > 0:
              part = torch.add(sums[0], part)
            sums = [part]
        y = sums[0]
        if torch.__isnot__(b, None):
          y = torch.add(y, torch.reshape(unchecked_cast(Tensor, b), [-1, 1, 1]))
        return y
      """;

  /** Where a channel has several kernels, it is there as often. */
  private static final String CHOICE =
      """

      def depthwise(self, x: Tensor, w: Tensor, b: Optional[Tensor], stride: int) -> Tensor:
        o = torch.size(w, 0)
        c = torch.size(x, 1)
        if o > c:
          z = torch.unsqueeze(torch.permute(x, [0, 2, 3, 1]), 4)
          z = torch.flatten(torch.expand(z, [-1, -1, -1, -1, o // c]), 3, 4)
          x = torch.permute(z, [0, 3, 1, 2])
        if torch.size(w, 2) > 1 and {native}:
          y = self.native_depthwise(torch.contiguous(x, memory_format=2), w, b, stride)
        else:
          y = self.shifted_depthwise(torch.to(x, 6), w, b, stride)
        return y
      """;

  /** Gradients are compared where they are about 1. */
  private static final String PROOF =
      """

      def operands(self, sizes: Tensor, scale: Tensor) -> List[Tensor]:
        channels = int(torch.select(sizes, 0, 0))
        k = int(torch.select(sizes, 0, 1))
        size = int(torch.select(sizes, 0, 2))
        stride = int(torch.select(sizes, 0, 3))
        x = torch.reshape(self.integers(channels, size * size, 1021, 0.25), [1, channels, size, size])
        w = torch.reshape(self.integers(channels, k * k, 8191, float(scale)), [channels, 1, k, k])
        b = torch.flatten(self.integers(1, channels, 251, 0.25))
        p = [torch.contiguous(x, memory_format=2), w, b]
        if int(torch.select(sizes, 0, 4)) > 0:
          for i in range(3):
            p[i] = torch.requires_grad_(p[i], True)
          y = self.shifted_depthwise(p[0], p[1], p[2], stride)
          g = torch.reshape(self.integers(torch.numel(y), 1, 509, 0.25), torch.size(y))
          p = [p[0], p[1], p[2], torch.detach(y), g]
          grads = torch.grad([torch.sum(torch.mul(y, g))], [p[0], p[1], p[2]], None, None, False, False)
          for i in range(3):
            p = torch.append(p, unchecked_cast(Tensor, grads[i]))
        else:
          p = torch.append(p, self.shifted_depthwise(p[0], p[1], p[2], stride))
        return p

      def proof(self, sizes: Tensor, p: List[Tensor]) -> Tensor:
        stride = int(torch.select(sizes, 0, 3))
        taken = [torch.numel(p[0]), torch.numel(p[3]), torch.numel(p[1])]
        self.poison(taken)
        found = self.native_depthwise({x}, p[1], p[2], stride)
        worst = self.difference(torch.detach(found), p[3])
        if torch.len(p) > 4:
          self.poison(taken)
          grads = torch.grad([torch.sum(torch.mul(found, p[4]))], [p[0], p[1], p[2]], None, None, False, False)
          for i in range(3):
            unit = torch.sqrt(torch.mean(torch.mul(p[5 + i], p[5 + i])))
            d = self.difference(torch.div(unchecked_cast(Tensor, grads[i]), unit), torch.div(p[5 + i], unit))
            worst = torch.maximum(worst, d)
        return worst
      """;

  /**
   * A convolution that a model computes.
   *
   * @param channels of the result
   * @param kernel its height and width
   * @param size height and width of the grid before
   * @param stride from one position to the next
   */
  public record Shape(int channels, int kernel, int size, int stride) {
    boolean isTiny() {
      return channels * size * size < TINY;
    }
  }

  private DepthwiseKernels() {}

  /**
   * Gives the function {@code self.depthwise(x, w, b, stride)}, where x is [N, C, h, w], best with
   * channels last, w is [m C, 1, k, k] for m kernels of each channel, and b is [m C] or None. The
   * result has channels last. Where no gradients are asked for, x and the result may be of the
   * precision's type, if the CPU multiplies it; the result may then be float32 as well.
   *
   * @param shapes those that it will meet
   * @param trained whether gradients will be asked for
   */
  public static String source(
      Precision precision, Device device, List<Shape> shapes, boolean trained) {
    Precision other =
        trained || !PrecisionKernels.isNativeOn(precision, device) ? Precision.FP32 : precision;
    String wrong =
        device.isGpu()
            ? ""
            : shapes.stream()
                .filter(shape -> shape.channels % BLOCK == 0)
                .filter(
                    shape ->
                        shape.isTiny()
                            || !holds(Precision.FP32, shape, trained)
                            || !holds(other, shape, trained))
                .map(
                    shape ->
                        " and (o != "
                            + shape.channels
                            + " or torch.size(w, 2) != "
                            + shape.kernel
                            + " or torch.size(x, 3) != "
                            + shape.size
                            + " or stride != "
                            + shape.stride
                            + ")")
                .collect(Collectors.joining());
    String whole = PlainArithmetic.isAsked() ? "False" : "o % " + BLOCK + " == 0" + wrong;
    return natives() + SHIFTED + CHOICE.replace("{native}", device.isGpu() ? "True" : whole);
  }

  private static String natives() {
    return KernelFaults.in(NATIVE);
  }

  /** Whether oneDNN's kernel is right for a shape, see {@link KernelProof}. */
  private static boolean holds(Precision type, Shape shape, boolean trained) {
    float scale = Math.scalb(1f, -Math.getExponent(shape.kernel)); // so that results are about 1
    return PlainArithmetic.isAsked()
        || KernelProof.holds(
            "depthwise convolution in " + type + (trained ? " with gradients" : ""),
            shape.channels
                + " channels of "
                + (shape.size + " x " + shape.size)
                + (", kernel " + shape.kernel + ", stride " + shape.stride),
            PrecisionKernels.proofTolerance(type),
            "a sum of shifted products",
            KernelProof.ofOperands(
                natives() + SHIFTED + PROOF.replace("{x}", PrecisionKernels.cast(type, "p[0]")),
                new long[] {
                  shape.channels, shape.kernel, shape.size, shape.stride, trained ? 1 : 0
                },
                scale,
                trained));
  }
}
