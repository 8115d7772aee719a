package org.clip4j.engine;

import ai.djl.Device;

/**
 * Names the numbers in which matrix products, convolutions and attention are computed. Parameters,
 * their gradients, norms, sums along the residual stream, the embeddings and the loss are float32
 * in all of them; the cast is part of each operation, as in PyTorch's automatic mixed precision. On
 * CPUs attention may be computed in float32 from rounded operands, where that is faster.
 *
 * <p>On a processor that has no instructions for a type (bfloat16 needs AVX-512 or ARM's
 * equivalent), PyTorch's products of it are many times slower than float32's. There the operands
 * are rounded to the type and their products computed in float32: the numbers are the type's, the
 * speed and the memory are float32's.
 */
public enum Precision {
  /** 32-bit floats throughout. */
  FP32,
  /**
   * 32-bit floats whose products CUDA devices compute from 10 bits of mantissa. PyTorch takes the
   * choice from the environment alone: the variable {@link #TF32_VARIABLE} must be 1 when the
   * process starts.
   */
  TF32,
  /** bfloat16: the exponents of float32, 7 bits of mantissa. */
  BF16,
  /**
   * IEEE half precision, for CUDA devices without bfloat16: 10 bits of mantissa, magnitudes of 6e-8
   * to 65504. Training with it scales the loss.
   */
  FP16;

  /**
   * The environment variable that makes PyTorch compute the float32 products of a CUDA device as
   * {@link #TF32}.
   */
  public static final String TF32_VARIABLE = "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE";

  /**
   * Checks that a device can compute so.
   *
   * @throws IllegalArgumentException with the way out, for {@link #TF32} where it cannot be had
   */
  public void requireOn(Device device) {
    requireOn(device, System.getenv(TF32_VARIABLE));
  }

  /** Checks that a device computes in this precision. */
  public void requireOn(Device device, String variable) {
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
