package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.internal.ParameterPlace;
import org.clip4j.train.internal.checkpoint.StatefulPart;
import org.clip4j.train.options.OptimizerOptions;

/**
 * AdamW (Loshchilov and Hutter 2019) as OpenCLIP sets it up: no weight decay for gains, biases and
 * the logit scale; after each step the logit scale is clamped to [0, ln 100] (Radford et al. 2021,
 * section 2.5). Parameters of the same decay and learning rate are updated in one call of PyTorch's
 * fused kernel.
 */
final class AdamW implements StatefulPart {
  private static final String SOURCE =
      """
      def prepare(self, g: List[Tensor], t: Tensor, scale: float, max_norm: float) -> float:
        if scale != 1.:
          torch._foreach_mul_(g, 1. / scale)
        norm = float(torch.norm(torch.stack(torch._foreach_norm(g))))
        if norm - norm == 0.:  # neither infinite nor not a number
          if max_norm > 0. and norm > max_norm:
            torch._foreach_mul_(g, max_norm / (norm + 1e-6))
          torch.add_(t, 1)
        return norm

      def update(self, p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], t: List[Tensor], lr: float, beta1: float, beta2: float, eps: float, decay: float) -> float:
        none = annotate(List[Tensor], [])
        torch._fused_adamw_(p, g, m, v, none, t, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False, grad_scale=None, found_inf=None)
        return 0.

      def clamp(self, log_scale: Tensor, max_log_scale: float) -> float:
        torch.clamp_(log_scale, 0., max_log_scale)
        return 0.

      def set(self, t: Tensor, steps: float) -> float:
        torch.fill_(t, steps)
        return 0.
      """;

  private static final double MAX_LOG_SCALE = Math.log(100);

  /** What decides how a parameter is updated. */
  private record Rule(boolean decayed, double learningRateFactor) {}

  /** Parameters that share a rule, with their moments. */
  private static final class Group {
    final List<String> names = new ArrayList<>();
    final NDList parameters = new NDList();
    final NDList firstMoments = new NDList();
    final NDList secondMoments = new NDList();
    final NDList steps = new NDList();
  }

  private final TorchScript kernels;
  private final Map<Rule, Group> groups = new LinkedHashMap<>();
  private final Map<String, NDArray> state = new LinkedHashMap<>();

  /** Steps done, as the fused kernel takes it; one for all parameters. */
  private final NDArray steps;

  private final NDArray logScale;
  private final OptimizerOptions options;

  /**
   * Starts with zero moments, for the parameters for which gradients are recorded.
   *
   * @param manager owns the moments
   */
  AdamW(NDManager manager, ClipModel model, OptimizerOptions options) {
    this.options = options;
    kernels = TorchScript.compile(manager, SOURCE);
    logScale = model.parameters().get("logit_scale");
    steps = manager.zeros(new Shape());
    for (ParameterSpec spec : model.specs()) {
      NDArray parameter = model.parameters().get(spec.name());
      if (!spec.buffer() && parameter.hasGradient()) {
        ParameterPlace place = ParameterPlace.of(model.config(), spec.name());
        Rule rule = new Rule(isDecayed(spec), place.learningRateFactor(options.layerDecay()));
        Group group = groups.computeIfAbsent(rule, r -> new Group());
        NDArray first = manager.zeros(parameter.getShape());
        NDArray second = manager.zeros(parameter.getShape());
        group.names.add(spec.name());
        group.parameters.add(parameter);
        group.firstMoments.add(first);
        group.secondMoments.add(second);
        group.steps.add(steps);
        state.put(spec.name() + ".first_moment", first);
        state.put(spec.name() + ".second_moment", second);
      }
    }
  }

  /** OpenCLIP's rule: matrices and kernels decay, unless their name says gain or bias. */
  static boolean isDecayed(ParameterSpec spec) {
    String name = spec.name();
    return spec.shape().size() >= 2
        && !name.contains("bn")
        && !name.contains("ln")
        && !name.contains("bias")
        && !name.contains("logit_scale");
  }

  /**
   * Updates the parameters. Where a gradient is infinite or not a number, nothing is updated.
   *
   * @param gradients one for each parameter for which gradients are recorded, by name; scaled in
   *     place
   * @param lossScale what the gradients were multiplied by
   * @return the global L2 norm of the gradients without that, before any limit; infinite or not a
   *     number if nothing was updated
   */
  double step(Map<String, NDArray> gradients, double learningRate, double lossScale) {
    NDList all = new NDList(gradients.values());
    double norm = kernels.update("prepare", all, steps, lossScale, options.maxGradientNorm());
    if (Double.isFinite(norm)) {
      groups.forEach(
          (rule, group) ->
              kernels.update(
                  "update",
                  group.parameters,
                  new NDList(group.names.stream().map(gradients::get).toList()),
                  group.firstMoments,
                  group.secondMoments,
                  group.steps,
                  learningRate * rule.learningRateFactor,
                  options.beta1(),
                  options.beta2(),
                  options.epsilon(),
                  rule.decayed ? options.weightDecay() : 0.0));
      if (logScale.hasGradient()) {
        kernels.update("clamp", logScale, MAX_LOG_SCALE);
      }
    }
    return norm;
  }

  @Override
  public String stateName() {
    return "optimizer";
  }

  @Override
  public Map<String, NDArray> tensors() {
    return Collections.unmodifiableMap(state);
  }

  @Override
  public JsonObject scalars() {
    JsonObject json = new JsonObject();
    json.addProperty("steps", (long) steps.getFloat());
    return json;
  }

  @Override
  public void restoreScalars(JsonObject scalars) {
    kernels.update("set", steps, (double) StatefulPart.count(scalars, "steps"));
  }
}
