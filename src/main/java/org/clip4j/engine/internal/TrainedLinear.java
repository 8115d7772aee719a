package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import java.util.Collection;
import java.util.stream.Collectors;
import org.clip4j.engine.Precision;
import org.clip4j.engine.internal.TorchScript.Mode;

/**
 * Linear maps with gradients in float32, on CPUs with wide vectors, as oneDNN's convolutions of 1 x
 * 1 over tokens that lie one after the other.
 *
 * <p>There these beat the products of the linear algebra library, forward and back to the inputs,
 * where maps are large. The choice follows from the processor and the sizes alone.
 */
public final class TrainedLinear {
  /** Narrower maps gain nothing. */
  private static final int LEAST_WIDTH = 512;

  /** With fewer rows the weight's layout costs more than is gained. */
  private static final int LEAST_ROWS = 512;

  /** oneDNN's kernel as it is; proofs and models call it through this function alone. */
  private static final String NATIVE =
      """

      def native_map(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        x = torch.permute(torch.unsqueeze(x, 2), [0, 3, 1, 2])  # [N, D, L, 1], channels last
        w = torch.reshape(w, [torch.size(w, 0), torch.size(w, 1), 1, 1])
        y = torch.squeeze(torch.permute(torch.conv2d(x, w, b, [1, 1]), [0, 2, 3, 1]), 2)
        return y
      """;

  private static final String CHOICE =
      """

      def trained_linear(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        i = torch.size(w, 1)
        o = torch.size(w, 0)
        proved = {proved}
        if proved and torch.dim(x) == 3 and torch.numel(x) >= {rows} * i:
          y = self.native_map(x, w, b)
        else:
          y = torch.linear(x, w, b)
        return y
      """
          .replace("{rows}", Integer.toString(LEAST_ROWS));

  /** Gradients are compared where they are about 1. */
  private static final String PROOF =
      """

      def operands(self, sizes: Tensor, scale: Tensor) -> List[Tensor]:
        inputs = int(torch.select(sizes, 0, 0))
        outputs = int(torch.select(sizes, 0, 1))
        x = torch.reshape(self.integers(105, inputs, 1021, 0.25), [3, 35, inputs])
        w = self.integers(outputs, inputs, 8191, float(scale))
        b = torch.flatten(self.integers(1, outputs, 251, 0.25))
        g = torch.reshape(self.integers(105, outputs, 509, 0.25), [3, 35, outputs])
        p = annotate(List[Tensor], [])
        for t in [x, w, b]:
          p = torch.append(p, torch.requires_grad_(t, True))
        y = torch.linear(p[0], p[1], p[2])
        grads = torch.grad([torch.sum(torch.mul(y, g))], p, None, None, False, False)
        p = torch.append(torch.append(p, g), torch.detach(y))
        for i in range(3):
          p = torch.append(p, unchecked_cast(Tensor, grads[i]))
        return p

      def proof(self, one: Tensor, p: List[Tensor]) -> Tensor:
        taken = [torch.numel(p[0]), torch.numel(p[1]), torch.numel(p[3]), torch.size(p[1], 0) * 64]
        self.poison(taken)
        found = self.native_map(p[0], p[1], p[2])
        worst = self.difference(torch.detach(found), p[4])
        operands = [p[0], p[1], p[2]]
        self.poison(taken)
        grads = torch.grad([torch.sum(torch.mul(found, p[3]))], operands, None, None, False, False)
        for i in range(3):
          unit = torch.sqrt(torch.mean(torch.mul(p[5 + i], p[5 + i])))
          d = self.difference(torch.div(unchecked_cast(Tensor, grads[i]), unit), torch.div(p[5 + i], unit))
          worst = torch.maximum(worst, d)
        return worst
      """;

  /** The sizes of a map. */
  public record Sizes(long inputs, long outputs) {}

  private TrainedLinear() {}

  /**
   * Puts these maps into kernels that are recorded for a backward pass.
   *
   * @param source functions with {@code self.linear(x, w, b)}, where x is [N, L, D]
   * @param maps those that will meet many rows
   */
  public static String applyTo(
      Precision precision, String source, Device device, Collection<Sizes> maps) {
    String proved =
        maps.stream()
            .filter(map -> serves(precision, device, map))
            .map(map -> "i == " + map.inputs + " and o == " + map.outputs)
            .distinct()
            .collect(Collectors.joining(" or "));
    return proved.isEmpty()
        ? source
        : source.replace("self.linear(", "self.trained_linear(")
            + KernelFaults.in(NATIVE)
            + CHOICE.replace("{proved}", proved);
  }

  /** Whether a map will be computed so where it meets many rows, which is then right. */
  public static boolean serves(Precision precision, Device device, Sizes map) {
    return PrecisionKernels.type(precision) == PrecisionKernels.type(Precision.FP32)
        && isLarge(map)
        && !device.isGpu()
        && CpuFeatures.hasWideVectors()
        && !PlainArithmetic.isAsked()
        && holds(map);
  }

  private static boolean isLarge(Sizes map) {
    return Math.min(map.inputs, map.outputs) >= LEAST_WIDTH
        && map.inputs % LinearKernels.BLOCK == 0
        && map.outputs % LinearKernels.BLOCK == 0;
  }

  /** See {@link KernelProof}. */
  private static boolean holds(Sizes map) {
    float scale = Math.scalb(1f, -Math.getExponent(Math.sqrt(map.inputs)));
    return KernelProof.holds(
        "linear map as a convolution in FP32 with gradients",
        map.inputs + " inputs, " + map.outputs + " outputs",
        PrecisionKernels.proofTolerance(Precision.FP32),
        "a plain product",
        manager -> {
          TorchScript kernels =
              TorchScript.compile(manager, KernelFaults.in(NATIVE) + KernelProof.SOURCE + PROOF);
          long[] both = {map.inputs, map.outputs};
          NDArray sizes = HostMemory.upload(manager, new Shape(2), both);
          NDArray scaled = manager.create(scale);
          NDList operands =
              Autograd.record(() -> kernels.callForAll(Mode.TRAINING, "operands", sizes, scaled));
          TorchScript.list(operands);
          return () ->
              Autograd.record(() -> kernels.call(Mode.TRAINING, "proof", scaled, operands))
                  .getFloat();
        });
  }
}
