package org.clip4j.engine.internal;

import ai.djl.Device;
import org.clip4j.engine.Precision;

/** Writes into kernels how operands are cast to a {@link Precision}, or rounded to it. */
public final class PrecisionKernels {
  /** PyTorch's number of the type. */
  private static final int FLOAT32 = 6;

  /** Where the device multiplies numbers of the type. */
  private static final String CASTING =
      """

      def linear(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return {product}

      def matmul(self, x: Tensor, w: Tensor) -> Tensor:
        return torch.matmul(torch.to(x, {type}), torch.to(w, {type}))

      def full(self, x: Tensor) -> Tensor:
        return torch.to(x, 6)

      def attended(self, x: Tensor) -> Tensor:
        return {attended}

      def short(self, x: Tensor) -> Tensor:
        return {short}
      """;

  /** Where it does not. */
  private static final String ROUNDING =
      """

      def linear(self, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return self.rounded(torch.linear(self.rounded(x), self.rounded(w), self.rounded(b)))

      def matmul(self, x: Tensor, w: Tensor) -> Tensor:
        return self.rounded(torch.matmul(self.rounded(x), self.rounded(w)))

      def rounded(self, x: Tensor) -> Tensor:
        return torch.to(torch.to(x, {type}), 6)

      def full(self, x: Tensor) -> Tensor:
        return x

      def attended(self, x: Tensor) -> Tensor:
        return x

      def short(self, x: Tensor) -> Tensor:
        return x
      """;

  private PrecisionKernels() {}

  /**
   * Puts a precision into kernels that write {@code self.linear} and {@code self.matmul} for the
   * operations that follow it, {@code self.full} around what must be float32, and {@code
   * self.attended} around queries, keys and values. These stay as they are on GPUs; on CPUs
   * PyTorch's attention is many small products of a head each, which cost more in a short type than
   * in float32, so there they are widened.
   *
   * @param source functions as for {@link TorchScript#compile}
   * @param device on which they will run
   */
  public static String applyTo(Precision precision, String source, Device device) {
    String proved = device.isGpu() ? source : GeluKernel.applyTo(source);
    return applyTo(precision, proved, isNativeOn(precision, device), device.isGpu());
  }

  static String applyTo(Precision precision, String source, boolean isNative, boolean gpu) {
    if (type(precision) != FLOAT32) {
      return source
          + (isNative ? CASTING : ROUNDING)
              .replace("{attended}", gpu ? "x" : "self.full(x)")
              .replace("{short}", gpu ? "x" : cast(precision, "x"))
              .replace("{product}", product(precision, "x", "w", "b"))
              .replace("{type}", Integer.toString(type(precision)));
    }
    return source
        .replace("self.linear(", "torch.linear(")
        .replace("self.matmul(", "torch.matmul(")
        .replace("self.full(", "(")
        .replace("self.attended(", "(")
        .replace("self.short(", "(");
  }

  /** TorchScript that casts a value to the type of the products' operands. */
  static String cast(Precision precision, String value) {
    return type(precision) == FLOAT32 ? value : "torch.to(" + value + ", " + type(precision) + ")";
  }

  /** TorchScript that multiplies in the type, where the device does. */
  static String product(Precision precision, String x, String w, String b) {
    return "torch.linear("
        + cast(precision, x)
        + ", "
        + cast(precision, w)
        + ", "
        + cast(precision, b)
        + ")";
  }

  /** TorchScript that rounds a value to that type, and keeps it in float32. */
  static String rounded(Precision precision, String value) {
    return type(precision) == FLOAT32 ? value : "torch.to(" + cast(precision, value) + ", 6)";
  }

  /** How far results of exact sums may be rounded, see {@link KernelProof}. */
  static double proofTolerance(Precision precision) {
    return switch (precision) {
      case FP32, TF32 -> 1e-5;
      case BF16 -> 0x1p-7;
      case FP16 -> 0x1p-10;
    };
  }

  /** PyTorch's number of the type of the products' operands. */
  static int type(Precision precision) {
    return switch (precision) {
      case FP32, TF32 -> FLOAT32;
      case BF16 -> 15;
      case FP16 -> 5;
    };
  }

  /** Whether a device has instructions for the type, see above. */
  public static boolean isNativeOn(Precision precision, Device device) {
    return device.isGpu() || CpuFeatures.multiplies(precision);
  }
}
