package org.clip4j.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.clip4j.engine.TorchScript;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;

/**
 * AdamW (Loshchilov and Hutter 2019) as OpenCLIP sets it up: no weight decay for gains, biases and
 * the logit scale; after each step the logit scale is clamped to [0, ln 100] (Radford et al. 2021,
 * section 2.5). All parameters are updated in one call of PyTorch's fused kernel.
 */
final class AdamW {
  private static final String SOURCE =
      """
      def gradients(self, p: List[Tensor]) -> List[Tensor]:
        g = annotate(List[Tensor], [])
        for i in range(torch.len(p)):
          gradient = ops.prim.grad(p[i])
          if torch.__isnot__(gradient, None):
            g = torch.append(g, unchecked_cast(Tensor, gradient))
          else:
            ops.prim.RaiseException("a parameter has no gradient")
        return g

      def step(self, decayed: List[Tensor], m1: List[Tensor], v1: List[Tensor], t1: List[Tensor], other: List[Tensor], m2: List[Tensor], v2: List[Tensor], t2: List[Tensor], log_scale: Tensor, lr: float, beta1: float, beta2: float, eps: float, decay: float, max_norm: float, max_log_scale: float) -> float:
        g1 = self.gradients(decayed)
        g2 = self.gradients(other)
        norm = float(torch.norm(torch.stack(torch.add(torch._foreach_norm(g1), torch._foreach_norm(g2)))))
        if not norm - norm == 0.:  # NaN or infinite
          return norm
        if max_norm > 0. and norm > max_norm:
          torch._foreach_mul_(g1, max_norm / (norm + 1e-6))
          torch._foreach_mul_(g2, max_norm / (norm + 1e-6))
        none = annotate(List[Tensor], [])
        torch._foreach_add_(t1, 1)
        torch._foreach_add_(t2, 1)
        torch._fused_adamw_(decayed, g1, m1, v1, none, t1, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False, grad_scale=None, found_inf=None)
        torch._fused_adamw_(other, g2, m2, v2, none, t2, lr=lr, beta1=beta1, beta2=beta2, weight_decay=0., eps=eps, amsgrad=False, maximize=False, grad_scale=None, found_inf=None)
        torch.clamp_(log_scale, 0., max_log_scale)
        torch._foreach_zero_(g1)
        torch._foreach_zero_(g2)
        return norm
      """;

  private static final double MAX_LOG_SCALE = Math.log(100);

  /** Parameters that share a weight decay, with their moments and step counts. */
  private static final class Group {
    final NDList parameters = new NDList();
    final NDList firstMoments = new NDList();
    final NDList secondMoments = new NDList();
    final NDList steps = new NDList();
  }

  private final TorchScript kernels;
  private final Group decayed = new Group();
  private final Group other = new Group();
  private final NDArray logScale;
  private final Hyperparameters hyper;

  /**
   * What does not change from step to step.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon added to the root of the second moment
   * @param weightDecay times the learning rate is taken off weights of two or more dimensions each
   *     step
   * @param maxGradientNorm gradients with a larger global L2 norm are scaled down to it; 0 for no
   *     limit
   */
  record Hyperparameters(
      double beta1, double beta2, double epsilon, double weightDecay, double maxGradientNorm) {}

  /**
   * Starts with zero moments.
   *
   * @param manager owns the moments
   */
  AdamW(NDManager manager, ClipModel model, Hyperparameters hyper) {
    this.hyper = hyper;
    kernels = TorchScript.compile(manager, SOURCE);
    logScale = model.parameters().get("logit_scale");
    for (ParameterSpec spec : model.specs()) {
      if (!spec.buffer()) {
        NDArray parameter = model.parameters().get(spec.name());
        Group group = isDecayed(spec) ? decayed : other;
        group.parameters.add(parameter);
        group.firstMoments.add(manager.zeros(parameter.getShape()));
        group.secondMoments.add(manager.zeros(parameter.getShape()));
        group.steps.add(manager.zeros(new Shape()));
      }
    }
  }

  /** OpenCLIP's rule: matrices and kernels decay, unless their name says gain or bias. */
  static boolean isDecayed(ParameterSpec spec) {
    String name = spec.name();
    return spec.shape().length >= 2
        && !name.contains("bn")
        && !name.contains("ln")
        && !name.contains("bias")
        && !name.contains("logit_scale");
  }

  /**
   * Updates the parameters from their gradients, and sets those to zero.
   *
   * @return the global L2 norm of the gradients, before any limit; if it is not finite, nothing was
   *     changed
   */
  double step(double learningRate) {
    return kernels.update(
        "step",
        decayed.parameters,
        decayed.firstMoments,
        decayed.secondMoments,
        decayed.steps,
        other.parameters,
        other.firstMoments,
        other.secondMoments,
        other.steps,
        logScale,
        learningRate,
        hyper.beta1,
        hyper.beta2,
        hyper.epsilon,
        hyper.weightDecay,
        hyper.maxGradientNorm,
        MAX_LOG_SCALE);
  }
}
