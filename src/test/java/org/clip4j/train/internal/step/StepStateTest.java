package org.clip4j.train.internal.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.google.gson.JsonObject;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.clip4j.model.ClipModel;
import org.clip4j.train.internal.checkpoint.StatefulPart;
import org.clip4j.train.internal.step.Steps.Way;
import org.clip4j.train.options.Freezing;
import org.clip4j.train.options.OptimizerOptions;
import org.junit.jupiter.api.Test;

/** Optimizer, averaged weights and loss scale, and what a checkpoint keeps of them. */
class StepStateTest {
  private static AdamW optimizer(NDManager manager, ClipModel model, double layerDecay) {
    return new AdamW(manager, model, OptimizerOptions.builder().optLayerDecay(layerDecay).build());
  }

  private static OptimizerOptions averaged(double decay, boolean warmup) {
    return OptimizerOptions.builder().optAverageWeights(decay, warmup).build();
  }

  private static Map<String, float[]> saved(StatefulPart part) {
    Map<String, float[]> tensors = new TreeMap<>();
    part.tensors().forEach((name, tensor) -> tensors.put(name, tensor.toFloatArray()));
    return tensors;
  }

  private static void restore(StatefulPart part, Map<String, float[]> tensors, JsonObject scalars) {
    part.tensors().forEach((name, tensor) -> tensor.set(tensors.get(name)));
    part.restoreScalars(scalars);
  }

  private static void step(Steps.Runner runner, ClipModel model, AdamW optimizer, int seed) {
    optimizer.step(runner.backward(Steps.batch(model.config(), 8, seed), 1).byName(), 1e-3, 1);
  }

  @Test
  void restored_state_goes_on_as_if_it_had_never_stopped() {
    try (ClipModel model = Steps.golden("openclip-vit")) {
      model.setTrainable(true);
      try (Steps.Runner runner = new Steps.Runner(model, Way.whole(0))) {
        AdamW first = optimizer(runner.manager, model, 0.8);
        MovingAverage firstEma = new MovingAverage(runner.manager, model, averaged(0.9, true));
        for (int i = 0; i < 3; i++) {
          step(runner, model, first, i);
          firstEma.update();
        }
        assertThat(first.scalars().get("steps").getAsLong()).isEqualTo(3);
        Map<String, float[]> weights = Steps.weights(model);
        Map<String, float[]> moments = saved(first);
        Map<String, float[]> averages = saved(firstEma);
        JsonObject steps = first.scalars();
        JsonObject updates = firstEma.scalars();
        step(runner, model, first, 3);
        firstEma.update();
        Map<String, float[]> expected = Steps.weights(model);

        weights.forEach((name, values) -> model.parameters().get(name).set(values));
        AdamW second = optimizer(runner.manager, model, 0.8);
        MovingAverage secondEma = new MovingAverage(runner.manager, model, averaged(0.9, true));
        restore(second, moments, steps);
        restore(secondEma, averages, updates);
        step(runner, model, second, 3);
        secondEma.update();
        Steps.assertClose(Steps.weights(model), expected, 0, 0);
        Steps.assertClose(saved(second), saved(first), 0, 0);
        Steps.assertClose(saved(secondEma), saved(firstEma), 0, 0);
      }
    }
  }

  @Test
  void frozen_parameters_have_no_state() {
    try (ClipModel model = Steps.golden("openclip-vit")) {
      TrainingStep.freeze(model, List.of(Freezing.imageTower()));
      NDManager manager = model.manager().newSubManager();
      assertThat(optimizer(manager, model, 1).tensors().keySet())
          .hasSizeGreaterThan(20)
          .noneMatch(name -> name.startsWith("visual."));
      assertThat(new MovingAverage(manager, model, averaged(0.9, false)).tensors().keySet())
          .hasSizeGreaterThan(10)
          .noneMatch(name -> name.startsWith("visual."));
    }
  }

  /** Adam's first step moves everything by the learning rate, where a gradient is far from 0. */
  @Test
  void layer_decay_makes_lower_layers_move_less() {
    assertThat(movement(1)[0]).isCloseTo(1e-3f, within(2e-5f));
    assertThat(movement(1)[1]).isCloseTo(1e-3f, within(2e-5f));
    assertThat(movement(0.5)[0]).isCloseTo(1e-3f / 8, within(2e-6f)); // two blocks below the head
    assertThat(movement(0.5)[1]).isCloseTo(1e-3f, within(2e-5f));
  }

  /** The largest movements of the class token and of the last norm's bias in the first step. */
  private static float[] movement(double layerDecay) {
    String[] names = {"visual.class_embedding", "visual.ln_post.bias"};
    try (ClipModel model = Steps.golden("openclip-vit")) {
      model.setTrainable(true);
      Map<String, float[]> before = Steps.weights(model);
      try (Steps.Runner runner = new Steps.Runner(model, Way.whole(0))) {
        step(runner, model, optimizer(runner.manager, model, layerDecay), 1);
      }
      Map<String, float[]> after = Steps.weights(model);
      float[] largest = new float[names.length];
      for (int n = 0; n < names.length; n++) {
        for (int i = 0; i < before.get(names[n]).length; i++) {
          float moved = Math.abs(after.get(names[n])[i] - before.get(names[n])[i]);
          largest[n] = Math.max(largest[n], moved);
        }
      }
      return largest;
    }
  }

  @Test
  void averages_follow_their_formula_and_swap_with_the_weights() {
    try (ClipModel model = Steps.golden("openclip-rn")) {
      model.setTrainable(true);
      NDManager manager = model.manager().newSubManager();
      MovingAverage ema = new MovingAverage(manager, model, averaged(0.6, true));
      String name = "logit_scale";
      double average = model.parameters().get(name).getFloat();
      for (int n = 0; n < 20; n++) {
        model.parameters().get(name).set(new float[] {n});
        ema.update();
        double decay = Math.min(0.6, (1.0 + n) / (10 + n));
        average = decay * average + (1 - decay) * n;
      }
      assertThat(ema.tensors().get(name).getFloat()).isCloseTo((float) average, within(1e-4f));
      assertThat(ema.tensors()).containsKey("visual.bn1.running_var");
      ema.swap();
      assertThat(model.parameters().get(name).getFloat()).isCloseTo((float) average, within(1e-4f));
      ema.swap();
      assertThat(model.parameters().get(name).getFloat()).isEqualTo(19);
    }
    assertThatThrownBy(() -> averaged(1, false)).hasMessageContaining("1.0");
  }

  @Test
  void gradients_are_the_same_whatever_the_loss_scale() {
    try (ClipModel model = Steps.golden("openclip-vit")) {
      model.setTrainable(true);
      Map<String, float[]> before = Steps.weights(model);
      Map<String, float[]> expected = null;
      double[] norms = new double[2];
      for (double scale : new double[] {1, 1024}) {
        before.forEach((name, values) -> model.parameters().get(name).set(values));
        try (Steps.Runner runner = new Steps.Runner(model, Way.whole(0))) {
          AdamW optimizer = optimizer(runner.manager, model, 1);
          var gradients = runner.backward(Steps.batch(model.config(), 8, 1), scale).byName();
          norms[scale == 1 ? 0 : 1] = optimizer.step(gradients, 1e-3, scale);
        }
        if (expected == null) {
          expected = Steps.weights(model);
        }
        Steps.assertClose(Steps.weights(model), expected, 1e-9, 1e-6);
      }
      assertThat(norms[1]).isCloseTo(norms[0], within(1e-6));
    }
  }

  @Test
  void a_step_with_an_infinite_gradient_changes_nothing() {
    try (ClipModel model = Steps.golden("openclip-vit")) {
      model.setTrainable(true);
      Map<String, float[]> before = Steps.weights(model);
      try (Steps.Runner runner = new Steps.Runner(model, Way.whole(0))) {
        AdamW optimizer = optimizer(runner.manager, model, 1);
        var gradients =
            runner.backward(Steps.batch(model.config(), 8, 1), Double.POSITIVE_INFINITY).byName();
        assertThat(optimizer.step(gradients, 1e-3, 1)).isNaN();
        Steps.assertClose(Steps.weights(model), before, 0, 0);
        assertThat(optimizer.scalars().get("steps").getAsLong()).isZero();
        assertThat(saved(optimizer).values())
            .allSatisfy(moment -> assertThat(moment).isEqualTo(new float[moment.length]));
      }
    }
  }

  @Test
  void gradients_that_are_not_finite_change_no_weight_and_no_moment() {
    try (ClipModel model = Steps.golden("openclip-vit");
        NDManager manager = model.manager().newSubManager()) {
      model.setTrainable(true);
      AdamW optimizer =
          new AdamW(manager, model, OptimizerOptions.builder().optMaxGradientNorm(1).build());
      float before = model.values().read("visual.proj").get(0);
      Map<String, NDArray> gradients = new HashMap<>();
      model
          .parameters()
          .forEach(
              (name, parameter) -> {
                if (parameter.hasGradient()) {
                  float gradient = name.equals("visual.proj") ? Float.POSITIVE_INFINITY : 1;
                  gradients.put(name, manager.full(parameter.getShape(), gradient));
                }
              });
      assertThat(optimizer.step(gradients, 0.1, 1)).isInfinite();
      assertThat(model.values().read("visual.proj").get(0)).isEqualTo(before);
    }
  }

  /** PyTorch's GradScaler: doubled after 2000 clean steps, halved after an overflow. */
  @Test
  void loss_scale_adapts() {
    LossScaler scaler = new LossScaler();
    assertThat(scaler.scale()).isEqualTo(65536);
    scaler.update(false);
    assertThat(scaler.scale()).isEqualTo(32768);
    for (int i = 0; i < 1999; i++) {
      scaler.update(true);
    }
    assertThat(scaler.scale()).isEqualTo(32768);
    LossScaler restored = new LossScaler();
    restored.restoreScalars(scaler.scalars());
    restored.update(true);
    assertThat(restored.scale()).isEqualTo(65536);
    for (int i = 0; i < 1999; i++) {
      restored.update(true);
    }
    restored.update(false);
    restored.update(true);
    assertThat(restored.scale()).as("an overflow starts the count anew").isEqualTo(32768);
    for (int i = 0; i < 16; i++) {
      assertThat(restored.update(false)).isTrue();
    }
    assertThat(restored.scale()).isEqualTo(0.5);
    assertThat(restored.update(false)).as("nothing left to lower").isFalse();
  }

  @Test
  void damaged_state_is_refused() {
    JsonObject json = new LossScaler().scalars();
    json.addProperty("clean_steps", -1);
    assertThatThrownBy(() -> new LossScaler().restoreScalars(json))
        .hasMessageContaining("clean_steps")
        .hasMessageContaining("-1");
    for (String bad : Arrays.asList("many", null)) {
      JsonObject other = new LossScaler().scalars();
      other.addProperty("scale", bad);
      assertThatThrownBy(() -> new LossScaler().restoreScalars(other))
          .hasMessageContaining("scale");
    }
  }
}
