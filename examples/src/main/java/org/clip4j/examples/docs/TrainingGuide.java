package org.clip4j.examples.docs;

import java.io.IOException;
import java.nio.file.Path;
import org.clip4j.Clip;
import org.clip4j.data.PairFeed;
import org.clip4j.data.Pairs;
import org.clip4j.engine.Precision;
import org.clip4j.image.Augmentation;
import org.clip4j.model.ClipConfig;
import org.clip4j.model.ClipModel;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.Freezing;
import org.clip4j.train.options.OptimizerOptions;
import org.clip4j.weights.Checkpoint;

/** The snippets of docs/training.md, compiled; a test holds the guide to them. */
final class TrainingGuide {
  private TrainingGuide() {}

  static void scratch() throws IOException {
    try (ClipModel model = ClipModel.create(ClipConfig.named("ViT-S-32"), 0)) {
      ClipTrainer.builder()
          .setModel(model)
          .setPairs(Pairs.table(Path.of("captions.tsv")).setColumns("file", "caption").build())
          .setOutput(Path.of("run"))
          .optBatchSize(1024)
          .optMicroBatchSize(64)
          .optEpochs(30)
          .optPrecision(Precision.BF16)
          .optData(data -> data.optAugmentation(Augmentation.openClip()))
          .optCheckpoints(checkpoints -> checkpoints.optEveryMinutes(15).optResume(true))
          .build()
          .train();
    }
  }

  static void sources() throws IOException {
    PairFeed shards = Pairs.shards("train-{000000..000127}.tar").build();
    PairFeed mixture =
        Pairs.mixture()
            .add(Pairs.jsonLines(Path.of("pairs.jsonl")).setKeys("image", "captions").build(), 3)
            .add(Pairs.folder(Path.of("photos")).build(), 1)
            .build();
  }

  static void fineTune() throws IOException {
    try (Checkpoint published =
            Clip.loader("laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K").openCheckpoint();
        ClipModel model = ClipModel.load(published.config(), published.parameters())) {
      ClipTrainer.builder()
          .setModel(model)
          .setPairs(Pairs.table(Path.of("captions.tsv")).setColumns("file", "caption").build())
          .setOutput(Path.of("run"))
          .optEpochs(5)
          .optData(
              DataOptions.builder()
                  .optTransform(published.transform())
                  .optTokenizer(published.tokenizer().orElse(null))
                  .build())
          .optOptimizer(
              OptimizerOptions.builder()
                  .optFreeze(Freezing.imageTower().withLastBlocksUnlocked(2), Freezing.textTower())
                  .optLayerDecay(0.8)
                  .build())
          .optSchedule(schedule -> schedule.optLearningRate(1e-5))
          .build()
          .train();
    }
  }
}
