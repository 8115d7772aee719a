package org.clip4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.io.IOException;
import org.clip4j.data.shapes.ColouredShapes;
import org.clip4j.engine.Precision;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Trainings in lower precisions follow the one in float32. */
class PrecisionTest {
  private static final ClipConfig CONFIG = SmallTraining.WORDS;
  private static final ColouredShapes SHAPES = ColouredShapes.builder().optImageSize(32).build();

  private static float[] losses(Precision precision, int steps) throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      return ClipTrainer.builder()
          .setModel(model)
          .setPairs(SHAPES.training(64))
          .optBatchSize(32)
          .optSteps(steps)
          .optSchedule(schedule -> schedule.optLearningRate(3e-4))
          .optData(data -> data.optSpreadDuplicates(true))
          .optSchedule(schedule -> schedule.optWarmupSteps(10))
          .optPrecision(precision)
          .optSeed(7)
          .build()
          .train()
          .losses();
    }
  }

  /** The largest relative difference of the losses of any step. */
  private static double difference(float[] found, float[] expected) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(found[i] - expected[i]) / expected[i]);
    }
    return largest;
  }

  private static void assertFollows(int steps, double drop) throws IOException {
    float[] full = losses(Precision.FP32, steps);
    assertThat(full[steps - 1]).as("what the model learned").isLessThan((float) drop * full[0]);
    float[] low = losses(Precision.BF16, steps);
    assertThat(low).isNotEqualTo(full);
    assertThat(difference(low, full)).isLessThanOrEqualTo(0.02);
  }

  @Test
  void the_loss_follows_that_of_float32_within_two_percent() throws IOException {
    assertFollows(60, 0.85);
  }

  @Test
  @Tag("slow")
  void the_loss_follows_that_of_float32_within_two_percent_over_200_steps() throws IOException {
    assertFollows(200, 0.5);
  }

  /** The loss scale starts too high on purpose: the first steps are skipped until it fits. */
  @Test
  void half_precision_finds_its_loss_scale_and_learns() throws IOException {
    float[] full = losses(Precision.FP32, 40);
    float[] half = losses(Precision.FP16, 40);
    assertThat(half[0]).isCloseTo(full[0], withinPercentage(0.1));
    assertThat(half[39]).isCloseTo(full[39], withinPercentage(2));
  }

  @Test
  void tf32_is_refused_where_it_cannot_be_had() {
    try (ClipModel model = ClipModel.create(CONFIG, 3)) {
      assertThatThrownBy(
              () ->
                  ClipTrainer.builder()
                      .setModel(model)
                      .setPairs(SHAPES.training(16))
                      .optPrecision(Precision.TF32)
                      .build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("CUDA")
          .hasMessageContaining("cpu");
    }
  }
}
