package org.clip4j.engine.internal;

import org.clip4j.engine.Precision;

/** Proves GELU, which PyTorch computes by oneDNN on CPUs, forward and backward. */
final class GeluKernel {
  private static final String PLAIN =
      "torch.mul(torch.mul(y, 0.5), torch.add(torch.erf(torch.mul(y, 0.70710678118654757)), 1.))";

  /** Values from -6 to 6, as many as leave tails of every vector's length. */
  private static final String PROOF =
      """

      def proof(self, one: Tensor) -> Tensor:
        worst = torch.zeros_like(one)
        for columns in [1, 7, 63, 3072]:
          x = torch.requires_grad_(self.integers(5, columns, 8191, 2.), True)
          x = torch.requires_grad_(torch.detach(torch.add(x, self.integers(5, columns, 1021, 0.0625))), True)
          self.poison([5 * columns])
          found = torch.gelu(x)
          y = x
          right = {plain}
          worst = torch.maximum(worst, self.difference(torch.detach(found), torch.detach(right)))
          g = self.integers(5, columns, 509, 0.5)
          founds = torch.grad([torch.sum(torch.mul(found, g))], [x], None, None, False, False)
          rights = torch.grad([torch.sum(torch.mul(right, g))], [x], None, None, False, False)
          worst = torch.maximum(worst, self.difference(unchecked_cast(Tensor, founds[0]), unchecked_cast(Tensor, rights[0])))
        return worst
      """
          .replace("{plain}", PLAIN);

  private GeluKernel() {}

  /** Writes GELU's formula out in kernels for a CPU, where PyTorch's own is wrong. */
  static String applyTo(String source) {
    boolean asIs = !source.contains("torch.gelu") || !PlainArithmetic.isAsked() && isRight();
    return asIs ? source : plainly(source);
  }

  /** Writes GELU's formula out. */
  static String plainly(String source) {
    return source.replace("torch.gelu(y)", PLAIN).replace("torch.gelu_(y)", PLAIN);
  }

  /** See {@link KernelProof}. */
  private static boolean isRight() {
    return KernelProof.holds(
        "GELU in FP32 with gradients",
        "5 to 15,360 values",
        PrecisionKernels.proofTolerance(Precision.FP32),
        "its formula",
        KernelProof.recorded(PROOF));
  }
}
