package org.clip4j.engine.internal;

import ai.djl.Device;
import java.util.List;
import java.util.stream.Collectors;
import org.clip4j.engine.Precision;

/**
 * Convolutions without bias, with square kernels and padding that keeps the grid.
 *
 * <p>On CPUs oneDNN computes those of 3 x 3 over whole blocks of channels, to which others are
 * padded, once it is proved for the channels at hand. All else is unfolded and multiplied by
 * PyTorch itself: kernels of 1 x 1, which are a matrix product and as fast; strides, which only the
 * first of a ModifiedResNet's convolutions has; and channels of which a block would be mostly
 * padding.
 */
public final class ConvolutionKernels {
  /** Channels that oneDNN lays out together, at most. */
  private static final int BLOCK = 16;

  /** oneDNN's kernel as it is; proofs and models call it through this function alone. */
  private static final String NATIVE =
      """

      def native_conv(self, x: Tensor, w: Tensor) -> Tensor:
        y = torch.conv2d({x}, {w}, None, [1, 1], [1, 1])
        return y
      """;

  private static final String UNFOLDED =
      """

      def unfolded_conv(self, x: Tensor, w: Tensor, stride: int) -> Tensor:
        k = torch.size(w, 2)
        return torch.thnn_conv2d(x, w, [k, k], None, [stride, stride], [k // 2, k // 2])
      """;

  private static final String CHOICE =
      """

      def {choice}(self, x: Tensor, w: Tensor, stride: int) -> Tensor:
        i = torch.size(w, 1)
        o = torch.size(w, 0)
        to_i = ({block} - i % {block}) % {block}
        to_o = ({block} - o % {block}) % {block}
        whole = (i + to_i) * (o + to_o)
        if torch.size(w, 2) == 3 and stride == 1 and whole <= 2 * i * o{proved}:
          if to_i == 0 and to_o == 0:
            y = self.native_conv(x, w)
          else:
            x = torch.constant_pad_nd(x, [0, 0, 0, 0, 0, to_i], 0)
            w = torch.constant_pad_nd(w, [0, 0, 0, 0, 0, to_i, 0, to_o], 0)
            y = torch.contiguous(torch.slice(self.native_conv(x, w), 1, 0, o))
        else:
          y = {unfolded}
        return y
      """
          .replace("{block}", Integer.toString(BLOCK));

  private static final String ROUNDED =
      """

      def conv2d(self, x: Tensor, w: Tensor, stride: int) -> Tensor:
        return self.rounded(self.choice(self.rounded(x), self.rounded(w), stride))
      """;

  private static final String GPU =
      """

      def conv2d(self, x: Tensor, w: Tensor, stride: int) -> Tensor:
        p = torch.size(w, 2) // 2
        return torch.conv2d({x}, {w}, None, [stride, stride], [p, p])
      """;

  /** Gradients are compared where they are about 1. */
  private static final String PROOF =
      """

      def operands(self, sizes: Tensor, scale: Tensor) -> List[Tensor]:
        inputs = int(torch.select(sizes, 0, 0))
        outputs = int(torch.select(sizes, 0, 1))
        size = int(torch.select(sizes, 0, 2))
        area = size * size
        x = torch.reshape(self.integers(2 * inputs, area, 1021, 0.25), [2, inputs, size, size])
        w = torch.reshape(self.integers(outputs, inputs * 9, 8191, float(scale)), [outputs, inputs, 3, 3])
        g = torch.reshape(self.integers(2 * outputs, area, 509, 0.25), [2, outputs, size, size])
        p = [x, w, g]
        if int(torch.select(sizes, 0, 3)) > 0:
          x = torch.requires_grad_(x, True)
          w = torch.requires_grad_(w, True)
          y = self.unfolded_conv(x, w, 1)
          p = torch.append(p, torch.detach(y))
          grads = torch.grad([torch.sum(torch.mul(y, g))], [x, w], None, None, False, False)
          for i in range(2):
            p = torch.append(p, unchecked_cast(Tensor, grads[i]))
        else:
          p = torch.append(p, self.unfolded_conv(x, w, 1))
        return p

      def proof(self, sizes: Tensor, p: List[Tensor]) -> Tensor:
        taken = [torch.numel(p[0]), torch.numel(p[1]), torch.numel(p[2])]
        self.poison(taken)
        found = torch.to(self.native_conv(p[0], p[1]), 6)
        worst = self.difference(torch.detach(found), p[3])
        if torch.len(p) > 4:
          operands = [p[0], p[1]]
          self.poison(taken)
          grads = torch.grad([torch.sum(torch.mul(found, p[2]))], operands, None, None, False, False)
          for i in range(2):
            unit = torch.sqrt(torch.mean(torch.mul(p[4 + i], p[4 + i])))
            d = self.difference(torch.div(unchecked_cast(Tensor, grads[i]), unit), torch.div(p[4 + i], unit))
            worst = torch.maximum(worst, d)
        return worst
      """;

  /**
   * A convolution that a model computes.
   *
   * @param inputs channels
   * @param outputs channels
   * @param size height and width of the grid, before and after
   */
  public record Shape(int inputs, int outputs, int size) {}

  private ConvolutionKernels() {}

  /**
   * Gives the function {@code self.conv2d(x, w, stride)}, where x is [N, C, h, w], w is [outputs,
   * C, k, k], and k is 1 or 3.
   *
   * @param precision of the operands
   * @param shapes the convolutions of 3 x 3 and stride 1 that it will meet
   * @param trained whether gradients will be asked for
   */
  public static String source(
      Precision precision, Device device, List<Shape> shapes, boolean trained) {
    if (device.isGpu()) {
      return GPU.replace("{x}", PrecisionKernels.cast(precision, "x"))
          .replace("{w}", PrecisionKernels.cast(precision, "w"));
    }
    boolean isNative = PrecisionKernels.isNativeOn(precision, device);
    Precision own = isNative ? precision : Precision.FP32;
    String natives = natives(own);
    String proved =
        PlainArithmetic.isAsked()
            ? " and False"
            : shapes.stream()
                .filter(shape -> !holds(own, natives, shape, trained))
                .map(
                    shape ->
                        " and (i != "
                            + shape.inputs
                            + " or o != "
                            + shape.outputs
                            + " or torch.size(x, 3) != "
                            + shape.size
                            + ")")
                .collect(Collectors.joining());
    String unfolded =
        "self.unfolded_conv("
            + PrecisionKernels.rounded(own, "x")
            + ", "
            + PrecisionKernels.rounded(own, "w")
            + ", stride)";
    return natives
        + UNFOLDED
        + CHOICE
            .replace("{choice}", isNative ? "conv2d" : "choice")
            .replace("{proved}", proved)
            .replace("{unfolded}", PrecisionKernels.rounded(own, unfolded))
        + (isNative ? "" : ROUNDED);
  }

  private static String natives(Precision own) {
    return KernelFaults.in(
        NATIVE
            .replace("{x}", PrecisionKernels.cast(own, "x"))
            .replace("{w}", PrecisionKernels.cast(own, "w")));
  }

  /** Whether oneDNN's kernel is right for a shape, see {@link KernelProof}. */
  private static boolean holds(Precision own, String natives, Shape shape, boolean trained) {
    long inputs = whole(shape.inputs);
    long outputs = whole(shape.outputs);
    if (inputs * outputs > 2L * shape.inputs * shape.outputs) {
      return true; // it will be unfolded
    }
    float scale = Math.scalb(1f, -Math.getExponent(Math.sqrt(9. * inputs)));
    return KernelProof.holds(
        "convolution in " + own + (trained ? " with gradients" : ""),
        inputs + " to " + outputs + " channels of " + shape.size + " x " + shape.size,
        PrecisionKernels.proofTolerance(own),
        "an unfolded product",
        KernelProof.ofOperands(
            natives + UNFOLDED + PROOF,
            new long[] {inputs, outputs, shape.size, trained ? 1 : 0},
            scale,
            trained));
  }

  private static long whole(int channels) {
    return (channels + BLOCK - 1) / BLOCK * BLOCK;
  }
}
