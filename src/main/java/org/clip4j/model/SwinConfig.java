package org.clip4j.model;

import java.util.List;

/**
 * Describes a Swin Transformer (Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer
 * using Shifted Windows") as timm has it: attention within windows of a grid, and a grid of half
 * the size and twice the width in each next stage.
 *
 * @param imageHeight input height in pixels, such that windows divide the grid of each stage
 * @param imageWidth input width in pixels, the same
 * @param layers blocks of each stage
 * @param width channels of the first stage
 * @param heads attention heads of each stage
 * @param window height and width of a window in positions
 * @param head what follows the pooled features
 */
public record SwinConfig(
    int imageHeight,
    int imageWidth,
    List<Integer> layers,
    int width,
    List<Integer> heads,
    int window,
    TimmHead head)
    implements TimmStagedConfig {

  /** Pixels in each direction that one position of the first grid stands for. */
  static final int PATCH = 4;

  /** Checks the sizes against each other. */
  public SwinConfig {
    layers = List.copyOf(layers);
    heads = List.copyOf(heads);
    if (layers.isEmpty() || layers.size() != heads.size()) {
      throw Checks.bad("vision_cfg.layers", layers, heads + " are the heads of its stages");
    }
    layers.forEach(count -> Checks.positive("vision_cfg.layers", count));
    Checks.positive("vision_cfg.width", width);
    Checks.positive("vision_cfg.window", window);
    for (int stage = 0; stage < heads.size(); stage++) {
      Checks.divides("vision_cfg.heads", heads.get(stage), "the width", width << stage);
    }
    int unit = PATCH * window << layers.size() - 1;
    if (imageHeight % unit != 0 || imageWidth != imageHeight || imageHeight < 1) {
      throw Checks.bad(
          "vision_cfg.image_size",
          imageHeight + " x " + imageWidth,
          "this Swin Transformer takes square images whose size is a multiple of " + unit);
    }
  }

  /** Returns the channels of a stage. */
  int width(int stage) {
    return width << stage;
  }

  /**
   * Returns whether a block's windows are shifted: every second one's are, unless one window is the
   * whole grid.
   */
  boolean isShifted(int stage, int block) {
    int unit = PATCH << stage;
    return block % 2 == 1 && imageHeight / unit > window;
  }

  @Override
  public int features() {
    return width(layers.size() - 1);
  }

  @Override
  public String family() {
    return "Swin Transformer";
  }

  @Override
  public SwinConfig withImageSize(int height, int width) {
    return new SwinConfig(height, width, layers, this.width, heads, window, head);
  }

  @Override
  public SwinConfig withHead(TimmHead other) {
    return new SwinConfig(imageHeight, imageWidth, layers, width, heads, window, other);
  }
}
