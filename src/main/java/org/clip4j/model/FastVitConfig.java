package org.clip4j.model;

import java.util.List;

/**
 * Describes a FastViT (Vasu et al. 2023, arXiv 2303.14189) as timm has it: the image tower of
 * MobileCLIP (Vasu et al. 2024) and MobileCLIP 2. Its convolutions are trained as sums of branches,
 * each with a batch norm, that can be folded into one.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param layers blocks of each stage
 * @param widths channels of each stage
 * @param mlpRatio hidden width of the MLPs over that of the stage
 * @param attentionStages how many stages, of the last, mix positions by attention; the others do by
 *     convolutions
 * @param large whether it is one of the two large towers (MCi3 and MCi4): layer norms before
 *     attention in place of batch norms, no squeeze-excite between the stages, and no scale branch
 *     in the stem
 * @param folded whether the branches are folded, as publishers do for inference (timm's {@code
 *     reparameterize_model}); such a tower cannot be trained
 * @param head what follows the pooled features
 */
public record FastVitConfig(
    int imageHeight,
    int imageWidth,
    List<Integer> layers,
    List<Integer> widths,
    double mlpRatio,
    int attentionStages,
    boolean large,
    boolean folded,
    TimmHead head)
    implements TimmStagedConfig {

  static final int HEAD_WIDTH = 32;

  /** Checks the sizes against each other. */
  public FastVitConfig {
    layers = List.copyOf(layers);
    widths = List.copyOf(widths);
    if (layers.isEmpty() || layers.size() != widths.size()) {
      throw Checks.bad("vision_cfg.layers", layers, "the stages have widths " + widths);
    }
    layers.forEach(count -> Checks.positive("vision_cfg.layers", count));
    widths.forEach(width -> Checks.positive("vision_cfg.width", width));
    Checks.positive("vision_cfg.mlp_ratio", mlpRatio);
    Checks.positive("vision_cfg.image_size", Math.min(imageHeight, imageWidth));
    if (attentionStages < 0 || attentionStages > layers.size()) {
      throw Checks.bad("vision_cfg.layers", layers, attentionStages + " of them have attention");
    }
    for (int width : widths.subList(layers.size() - attentionStages, layers.size())) {
      Checks.divides("vision_cfg.head_width", HEAD_WIDTH, "the width", width);
    }
  }

  /** Returns the channels of the first stage. */
  @Override
  public int width() {
    return widths.get(0);
  }

  @Override
  public int features() {
    return 2 * widths.get(widths.size() - 1);
  }

  @Override
  public boolean hasBatchNorm() {
    return !folded;
  }

  @Override
  public String family() {
    return "FastViT";
  }

  @Override
  public FastVitConfig withImageSize(int height, int width) {
    return new FastVitConfig(
        height, width, layers, widths, mlpRatio, attentionStages, large, folded, head);
  }

  @Override
  public FastVitConfig withHead(TimmHead other) {
    return new FastVitConfig(
        imageHeight, imageWidth, layers, widths, mlpRatio, attentionStages, large, folded, other);
  }

  /** Returns the same tower with its branches, or with them folded. */
  public FastVitConfig withFolded(boolean fold) {
    return new FastVitConfig(
        imageHeight, imageWidth, layers, widths, mlpRatio, attentionStages, large, fold, head);
  }
}
