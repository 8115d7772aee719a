package org.clip4j.train.internal.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.engine.Precision;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.model.TextConfig;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.SmallTraining;

/** A training in a process of its own, for {@link KilledTrainingTest} to end as it likes. */
final class TrainingProcess {
  /** An embedding of some megabytes, so that a checkpoint takes its time. */
  static final ClipConfig CONFIG =
      new ClipConfig(
          16,
          SmallTraining.VIT.vision(),
          TextConfig.builder()
              .setContextLength(8)
              .setVocabSize(20_000)
              .setWidth(32)
              .setHeads(2)
              .setLayers(1)
              .build(),
          false);

  static final int CHECKPOINT_STEPS = 3;

  private TrainingProcess() {}

  /**
   * Trains, or goes on, and prints each step.
   *
   * @param args the output folder, the steps in all, the precision, and the seed of weights that a
   *     resumed training must not see
   */
  public static void main(String[] args) throws IOException {
    try (ClipModel model = ClipModel.create(CONFIG, Long.parseLong(args[3]))) {
      ClipTrainer trainer =
          builder(model, Path.of(args[0]), Long.parseLong(args[1]), Precision.valueOf(args[2]))
              .optListener(
                  progress -> {
                    System.out.println("step " + progress.step());
                    System.out.flush();
                  })
              .build();
      trainer.train();
    }
  }

  static ClipTrainer.Builder builder(
      ClipModel model, Path output, long steps, Precision precision) {
    ClipTrainer.Builder builder =
        SmallTraining.builder(model, output)
            .optSteps(steps)
            .optPrecision(precision)
            .optOptimizer(optimizer -> optimizer.optAverageWeights(0.9, true));
    return output == null
        ? builder
        : builder.optCheckpoints(
            checkpoints ->
                checkpoints.optEverySteps(CHECKPOINT_STEPS).optKeepLast(2).optResume(true));
  }
}
