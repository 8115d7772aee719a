package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.HashMap;
import java.util.Map;
import org.clip4j.model.ClipModel;
import org.clip4j.train.options.OptimizerOptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The optimizer beside its formula (Loshchilov and Hutter 2019, arXiv 1711.05101). */
class AdamWTest {
  private static final double[] GRADIENTS = {0.02, -0.005, 0.03};
  private static final double RATE = 0.01;

  @ParameterizedTest
  @CsvSource({"0.9, 0.98, 1e-6, 0.2", "0.5, 0.75, 1e-6, 0", "0.9, 0.999, 0.1, 0", "0, 0, 1, 3"})
  void a_weight_goes_where_the_formula_says(
      double beta1, double beta2, double epsilon, double weightDecay) {
    try (ClipModel model = Steps.golden("openclip-vit");
        NDManager manager = model.manager().newSubManager()) {
      model.setTrainable(true);
      OptimizerOptions options =
          OptimizerOptions.builder()
              .optBetas(beta1, beta2)
              .optEpsilon(epsilon)
              .optWeightDecay(weightDecay)
              .build();
      double matrix = first(model, "visual.proj");
      double bias = first(model, "ln_final.bias"); // does not decay
      AdamW optimizer = new AdamW(manager, model, options);
      double m = 0;
      double v = 0;
      for (int t = 1; t <= GRADIENTS.length; t++) {
        double g = GRADIENTS[t - 1];
        optimizer.step(all(model, manager, g), RATE, 1);
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
        double update =
            m / (1 - Math.pow(beta1, t)) / (Math.sqrt(v / (1 - Math.pow(beta2, t))) + epsilon);
        matrix = matrix * (1 - RATE * weightDecay) - RATE * update;
        bias -= RATE * update;
      }
      assertThat(first(model, "visual.proj")).isCloseTo(matrix, within(2e-6));
      assertThat(first(model, "ln_final.bias")).isCloseTo(bias, within(2e-6));
    }
  }

  private static double first(ClipModel model, String parameter) {
    return model.values().read(parameter).get(0);
  }

  private static Map<String, NDArray> all(ClipModel model, NDManager manager, double gradient) {
    Map<String, NDArray> gradients = new HashMap<>();
    model
        .parameters()
        .forEach(
            (name, parameter) -> {
              if (parameter.hasGradient()) {
                gradients.put(name, manager.full(parameter.getShape(), (float) gradient));
              }
            });
    return gradients;
  }
}
