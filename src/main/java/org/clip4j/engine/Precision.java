package org.clip4j.engine;

import ai.djl.Device;

/**
 * The numbers in which matrix products, convolutions and attention are computed. Parameters, their
 * gradients, norms, sums along the residual stream, the embeddings and the loss are float32 in all
 * of them; the cast is part of each operation, as in PyTorch's automatic mixed precision. On CPUs
 * attention may be computed in float32 from rounded operands, where that is faster.
 *
 * <p>On a processor that has no instructions for a type (bfloat16 needs AVX-512 or ARM's
 * equivalent), PyTorch's products of it are many times slower than float32's. There the operands
 * are rounded to the type and their products computed in float32: the numbers are the type's, the
 * speed and the memory are float32's.
 */
public enum Precision {
  /** 32-bit floats throughout. */
  FP32(0),
  /**
   * 32-bit floats whose products CUDA devices compute from 10 bits of mantissa. PyTorch takes the
   * choice from the environment alone: the variable {@link #TF32_VARIABLE} must be 1 when the
   * process starts.
   */
  TF32(0),
  /** bfloat16: the exponents of float32, 7 bits of mantissa. */
  BF16(15),
  /**
   * IEEE half precision, for CUDA devices without bfloat16: 10 bits of mantissa, magnitudes of 6e-8
   * to 65504. Training with it scales the loss.
   */
  FP16(5);

  /** What makes PyTorch compute the float32 products of a CUDA device as {@link #TF32}. */
  public static final String TF32_VARIABLE = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

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
      """;

  /** PyTorch's number of the type that operands are cast to; 0 for none. */
  private final int type;

  Precision(int type) {
    this.type = type;
  }

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
  public String applyTo(String source, Device device) {
    String proved = device.isGpu() ? source : GeluKernel.applyTo(source);
    return applyTo(proved, isNativeOn(device), device.isGpu());
  }

  String applyTo(String source, boolean isNative, boolean gpu) {
    if (type != 0) {
      return source
          + (isNative ? CASTING : ROUNDING)
              .replace("{attended}", gpu ? "x" : "self.full(x)")
              .replace("{product}", product("x", "w", "b"))
              .replace("{type}", Integer.toString(type));
    }
    return source
        .replace("self.linear(", "torch.linear(")
        .replace("self.matmul(", "torch.matmul(")
        .replace("self.full(", "(")
        .replace("self.attended(", "(");
  }

  /** TorchScript that casts a value to the type of the products' operands. */
  String cast(String value) {
    return type == 0 ? value : "torch.to(" + value + ", " + type + ")";
  }

  /** TorchScript that multiplies in the type, where the device does. */
  String product(String x, String w, String b) {
    return "torch.linear(" + cast(x) + ", " + cast(w) + ", " + cast(b) + ")";
  }

  /** TorchScript that rounds a value to that type, and keeps it in float32. */
  String rounded(String value) {
    return type == 0 ? value : "torch.to(" + cast(value) + ", 6)";
  }

  /** How far results of exact sums may be rounded, see {@link KernelProof}. */
  double proofTolerance() {
    return switch (this) {
      case FP32, TF32 -> 1e-5;
      case BF16 -> 0x1p-7;
      case FP16 -> 0x1p-10;
    };
  }

  /** PyTorch's number of the type of the products' operands. */
  int type() {
    return type == 0 ? 6 : type;
  }

  /** Whether a device has instructions for the type, see above. */
  public boolean isNativeOn(Device device) {
    return device.isGpu() || CpuFeatures.multiplies(this);
  }

  /**
   * Checks that a device can compute so.
   *
   * @throws IllegalArgumentException with the way out, for {@link #TF32} where it cannot be had
   */
  public void requireOn(Device device) {
    requireOn(device, System.getenv(TF32_VARIABLE));
  }

  void requireOn(Device device, String variable) {
    if (this != TF32) {
      return;
    }
    if (!device.isGpu()) {
      throw new IllegalArgumentException(
          "TF32 is a mode of CUDA devices, the model is on " + device + "; use FP32 or BF16");
    }
    if (!"1".equals(variable)) {
      throw new IllegalArgumentException(
          "TF32 needs the environment variable "
              + TF32_VARIABLE
              + "=1 when the process starts, found "
              + variable);
    }
  }
}
