package org.clip4j.examples.options;

import org.clip4j.engine.Precision;
import org.clip4j.image.Augmentation;
import org.clip4j.train.ClipTrainer;
import org.clip4j.train.options.DataOptions;
import org.clip4j.train.options.Freezing;
import org.clip4j.train.options.OptimizerOptions;
import picocli.CommandLine.Option;

/** Options that say how a step is computed and what it changes. */
public final class StepOptions {
  /** What keeps its weights. */
  enum Frozen {
    NOTHING,
    IMAGE,
    TEXT,
    ALL_BUT_PROJECTIONS
  }

  @Option(
      names = "--precision",
      defaultValue = "FP32",
      description = "Of matrix products and attention: ${COMPLETION-CANDIDATES}.")
  private Precision precision;

  @Option(names = "--augment", description = "Random crops of 0.9 to 1 of the image, as OpenCLIP.")
  private boolean augment;

  @Option(
      names = "--patch-dropout",
      paramLabel = "SHARE",
      description = "Share of a ViT's patches to leave out (the model's own).")
  @Range(min = 0, below = 1)
  private Double patchDropout;

  @Option(
      names = "--freeze",
      defaultValue = "NOTHING",
      description = "What keeps its weights: ${COMPLETION-CANDIDATES}.")
  private Frozen freeze;

  @Option(
      names = "--unlock-last",
      paramLabel = "BLOCKS",
      description =
          "With --freeze: the tower's last blocks and its projection are trained all the same.")
  @Range(min = 0)
  private Integer unlockLast;

  @Option(
      names = "--layer-decay",
      defaultValue = "1",
      description = "Factor by which the learning rate falls from layer to layer, downwards.")
  @Range(above = 0, max = 1)
  private double layerDecay;

  @Option(
      names = "--average-weights",
      paramLabel = "DECAY",
      description = "Ends with the moving average of the weights, for example of 0.9999 (no).")
  @Range(min = 0, below = 1)
  private Double average;

  @Option(
      names = "--spread-duplicates",
      description = "Pairs with equal captions or images are no negatives of each other.")
  private boolean spreadDuplicates;

  public void apply(ClipTrainer.Builder builder) {
    builder.optPrecision(precision).optData(this::data).optOptimizer(this::optimizer);
  }

  private void data(DataOptions.Builder options) {
    options.optSpreadDuplicates(spreadDuplicates);
    if (augment) {
      options.optAugmentation(Augmentation.openClip());
    }
    if (patchDropout != null) {
      options.optPatchDropout(patchDropout);
    }
  }

  private void optimizer(OptimizerOptions.Builder options) {
    options.optLayerDecay(layerDecay);
    if (average != null) {
      options.optAverageWeights(average, true);
    }
    switch (freeze) {
      case NOTHING -> {} // everything is trained
      case IMAGE -> options.optFreeze(unlocked(Freezing.imageTower()));
      case TEXT -> options.optFreeze(unlocked(Freezing.textTower()));
      case ALL_BUT_PROJECTIONS -> options.optFreeze(Freezing.allButProjections());
    }
  }

  private Freezing unlocked(Freezing tower) {
    return unlockLast == null ? tower : tower.withLastBlocksUnlocked(unlockLast);
  }
}
