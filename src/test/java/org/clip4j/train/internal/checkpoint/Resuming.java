package org.clip4j.train.internal.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;
import org.clip4j.train.TrainingResult;

/** Runs a small training with and without a break. */
final class Resuming {
  private Resuming() {}

  record Outcome(TrainingResult result, Map<String, float[]> weights) {}

  /** Trains; every run starts with other weights, which a resumed one must not see. */
  static Outcome train(
      ClipConfig config,
      Path output,
      long modelSeed,
      long stopAfter,
      UnaryOperator<ClipTrainer.Builder> options)
      throws IOException {
    try (ClipModel model = ClipModel.create(config, modelSeed)) {
      ClipTrainer[] trainer = new ClipTrainer[1];
      trainer[0] =
          options
              .apply(SmallTraining.builder(model, output))
              .optListener(
                  progress -> {
                    if (progress.step() == stopAfter) {
                      trainer[0].cancel();
                    }
                  })
              .build();
      TrainingResult result = trainer[0].train();
      return new Outcome(result, SmallTraining.weights(model));
    }
  }

  static UnaryOperator<ClipTrainer.Builder> resumable(long everySteps) {
    return builder ->
        builder.optCheckpoints(
            checkpoints -> checkpoints.optEverySteps(everySteps).optResume(true));
  }

  static Outcome uninterrupted(ClipConfig config) throws IOException {
    return train(config, null, 3, -1, builder -> builder);
  }

  static void assertSame(Outcome found, Outcome expected) {
    assertThat(found.weights.keySet()).isEqualTo(expected.weights.keySet());
    found.weights.forEach(
        (name, values) -> assertThat(values).as(name).isEqualTo(expected.weights.get(name)));
    assertThat(found.result.losses()).isEqualTo(expected.result.losses());
    assertThat(found.result.samples()).isEqualTo(expected.result.samples());
  }
}
