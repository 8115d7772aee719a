package org.clip4j.train.internal.step;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import com.google.gson.JsonObject;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.clip4j.engine.internal.TorchScript;
import org.clip4j.model.ClipModel;
import org.clip4j.model.ParameterSpec;
import org.clip4j.train.internal.checkpoint.StatefulPart;
import org.clip4j.train.options.OptimizerOptions;

/**
 * The exponential moving average of the weights: after each step, average = decay * average + (1 -
 * decay) * weights. Running statistics are averaged too; frozen parameters are not, being constant.
 */
final class MovingAverage implements StatefulPart {
  private static final String SOURCE =
      """
      def lerp(self, average: List[Tensor], current: List[Tensor], weight: float) -> float:
        torch._foreach_lerp_(average, current, weight)
        return 0.

      def swap(self, a: List[Tensor], b: List[Tensor]) -> float:
        for i in range(torch.len(a)):
          kept = torch.clone(a[i])
          torch.copy_(a[i], b[i])
          torch.copy_(b[i], kept)
        return 0.
      """;

  private final TorchScript kernels;
  private final OptimizerOptions options;
  private final Map<String, NDArray> averages = new LinkedHashMap<>();
  private final NDList current = new NDList();
  private final NDList average = new NDList();
  private long updates;

  /**
   * Starts at the model's weights; what is trained must have been set before.
   *
   * @param manager owns the average
   */
  MovingAverage(NDManager manager, ClipModel model, OptimizerOptions options) {
    kernels = TorchScript.compile(manager, SOURCE + Replicas.COPY);
    this.options = options;
    for (ParameterSpec spec : model.specs()) {
      NDArray parameter = model.parameters().get(spec.name());
      if (spec.buffer() || parameter.hasGradient()) {
        NDArray copy = manager.zeros(parameter.getShape());
        averages.put(spec.name(), copy);
        average.add(copy);
        current.add(parameter);
      }
    }
    kernels.update("copy", average, current);
  }

  /** Takes in the weights after a step. */
  void update() {
    kernels.update("lerp", average, current, 1 - decay(options, updates));
    updates++;
  }

  /**
   * With warm-up the first decays are lower, as in TensorFlow's {@code ExponentialMovingAverage},
   * so that the random weights of the beginning are soon forgotten.
   */
  static double decay(OptimizerOptions options, long updates) {
    double decay = options.averageDecay();
    return options.averageWarmup() ? Math.min(decay, (1.0 + updates) / (10.0 + updates)) : decay;
  }

  /**
   * Exchanges the model's weights and their average: for evaluating and saving the average, then
   * once more to go on training.
   */
  void swap() {
    kernels.update("swap", average, current);
  }

  @Override
  public String stateName() {
    return "ema";
  }

  @Override
  public Map<String, NDArray> tensors() {
    return Collections.unmodifiableMap(averages);
  }

  @Override
  public JsonObject scalars() {
    JsonObject json = new JsonObject();
    json.addProperty("updates", updates);
    return json;
  }

  @Override
  public void restoreScalars(JsonObject scalars) {
    updates = StatefulPart.count(scalars, "updates");
  }
}
