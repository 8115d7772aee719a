package org.clip4j.model;

import java.util.List;

/**
 * Describes a ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s") as timm has it: a network of
 * depthwise convolutions in four stages.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param layers blocks of each of the four stages
 * @param widths channels of each of them
 * @param normEpsilon epsilon of every LayerNorm
 * @param head what follows the pooled features
 */
public record ConvNextConfig(
    int imageHeight,
    int imageWidth,
    List<Integer> layers,
    List<Integer> widths,
    double normEpsilon,
    TimmHead head)
    implements TimmStagedConfig {

  /** Pixels in each direction that one position of the last grid stands for. */
  private static final int STRIDE = 32;

  /** Checks the sizes against each other. */
  public ConvNextConfig {
    layers = List.copyOf(layers);
    widths = List.copyOf(widths);
    if (layers.size() != 4 || widths.size() != 4) {
      throw Checks.bad(
          "vision_cfg.layers",
          layers,
          "a ConvNeXt has 4 stages, and " + widths + " are its widths");
    }
    layers.forEach(count -> Checks.positive("vision_cfg.layers", count));
    widths.forEach(width -> Checks.positive("vision_cfg.width", width));
    Checks.positive("vision_cfg.norm_kwargs.eps", normEpsilon);
    if (Math.min(imageHeight, imageWidth) < STRIDE) {
      throw Checks.bad(
          "vision_cfg.image_size",
          imageHeight + " x " + imageWidth,
          "a ConvNeXt takes images of at least " + STRIDE + " pixels");
    }
  }

  /** Returns the channels of the first stage. */
  @Override
  public int width() {
    return widths.get(0);
  }

  @Override
  public int features() {
    return widths.get(widths.size() - 1);
  }

  @Override
  public String family() {
    return "ConvNeXt";
  }

  @Override
  public ConvNextConfig withImageSize(int height, int width) {
    return new ConvNextConfig(height, width, layers, widths, normEpsilon, head);
  }

  @Override
  public ConvNextConfig withHead(TimmHead other) {
    return new ConvNextConfig(imageHeight, imageWidth, layers, widths, normEpsilon, other);
  }
}
