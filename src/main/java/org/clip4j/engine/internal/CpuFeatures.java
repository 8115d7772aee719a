package org.clip4j.engine.internal;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import org.clip4j.engine.Precision;

/** What PyTorch's matrix products can use of this processor. */
final class CpuFeatures {
  private static final String SOURCE =
      """
      def low_precision(self) -> float:
        if {supported}:
          found = 1.
        else:
          found = 0.
        return found
      """;

  /** Gradients are compared where they are about 1. */
  private static final String PROOF =
      """

      def proof(self, one: Tensor) -> Tensor:
        worst = torch.zeros_like(one)
        for rows in [1, 67]:
          for inputs in [24, 72, 768]:
            for outputs in [24, 136, 768]:
              x = torch.requires_grad_(self.integers(rows, inputs, 1021, 0.0625), True)
              w = torch.requires_grad_(self.integers(outputs, inputs, 8191, 0.0625), True)
              b = torch.requires_grad_(torch.flatten(self.integers(1, outputs, 251, 0.25)), True)
              g = self.integers(rows, outputs, 509, 0.0625)
              self.poison([rows * inputs, rows * outputs, inputs * outputs])
              found = torch.to({product}, 6)
              right = torch.linear(x, w, b)
              worst = torch.maximum(worst, self.gradients(found, right, g, [x, w, b]))
        for width in [32, 64]:
          q = torch.requires_grad_(torch.reshape(self.integers(150, width, 1021, 0.25), [1, 3, 50, width]), True)
          k = torch.requires_grad_(torch.reshape(self.integers(150, width, 509, 0.25), [1, 3, 50, width]), True)
          v = torch.requires_grad_(torch.reshape(self.integers(150, width, 251, 0.25), [1, 3, 50, width]), True)
          g = torch.reshape(self.integers(150, width, 127, 0.25), [1, 3, 50, width])
          self.poison([150 * width, 7500])
          found = torch.to(torch.scaled_dot_product_attention(torch.to(q, {type}), torch.to(k, {type}), torch.to(v, {type}), None, 0., False), 6)
          right = torch.scaled_dot_product_attention(q, k, v, None, 0., False)
          worst = torch.maximum(worst, self.gradients(found, right, g, [q, k, v]))
        return worst

      def gradients(self, found: Tensor, right: Tensor, g: Tensor, operands: List[Tensor]) -> Tensor:
        worst = self.difference(torch.detach(found), torch.detach(right))
        founds = torch.grad([torch.sum(torch.mul(found, g))], operands, None, None, False, False)
        rights = torch.grad([torch.sum(torch.mul(right, g))], operands, None, None, False, False)
        for i in range(3):
          worst = torch.maximum(worst, self.difference(unchecked_cast(Tensor, founds[i]), unchecked_cast(Tensor, rights[i])))
        return worst
      """;

  private CpuFeatures() {}

  /** Read once, when first asked for. */
  private static final class Found {
    static final boolean ONEDNN = supports("True or ops.mkldnn._is_mkldnn_bf16_supported()");
    static final boolean BF16 = supports("ops.mkldnn._is_mkldnn_bf16_supported()");
    static final boolean FP16 = supports("ops.mkldnn._is_mkldnn_fp16_supported()");
  }

  private static boolean supports(String condition) {
    try (NDManager manager = Libtorch.newManager(Device.cpu())) {
      return TorchScript.compile(manager, SOURCE.replace("{supported}", condition))
              .update("low_precision")
          == 1;
    } catch (IllegalArgumentException e) {
      return false; // PyTorch was built without oneDNN, as for Apple's processors
    }
  }

  /** Whether there are oneDNN's products of packed weights. */
  static boolean hasOneDnn() {
    return Found.ONEDNN;
  }

  /**
   * Whether there are vectors of 512 bits (or ARM's bfloat16), with which oneDNN's products beat
   * those of the linear algebra library for any number of rows.
   */
  static boolean hasWideVectors() {
    return Found.BF16;
  }

  /**
   * Whether products of a precision's type are faster than float32's, and not many times slower.
   */
  static boolean multiplies(Precision precision) {
    return switch (precision) {
      case FP32, TF32 -> true;
      case BF16 -> Found.BF16 && isRight(precision);
      case FP16 -> Found.FP16 && isRight(precision);
    };
  }

  /**
   * Products of a short type are oneDNN's also where nothing is packed. They are tried at sizes
   * with and without tails, since what will be multiplied is not known here; see {@link
   * KernelProof}.
   */
  private static boolean isRight(Precision precision) {
    return KernelProof.holds(
        "product and attention in " + precision + " with gradients",
        "1 to 67 rows, 24 to 768 inputs and outputs",
        2 * PrecisionKernels.proofTolerance(precision), // of attention, whose softmax is not exact
        "rounding, and products of float32,",
        KernelProof.recorded(
            PROOF
                .replace(
                    "{product}",
                    KernelFaults.in(PrecisionKernels.product(precision, "x", "w", "b")))
                .replace("{type}", Integer.toString(PrecisionKernels.type(precision)))));
  }
}
