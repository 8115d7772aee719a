package org.clip4j.model;

import java.util.List;

/**
 * Describes a ModifiedResNet, the paper's residual network with attention pooling.
 *
 * @param imageHeight input height in pixels; images are square
 * @param imageWidth input width in pixels
 * @param width base width
 * @param layers bottlenecks of each of the four stages
 * @param headWidth width of one head of the attention pooling
 */
public record ResNetConfig(
    int imageHeight, int imageWidth, int width, List<Integer> layers, int headWidth)
    implements StagedVisionConfig {

  /** Checks the sizes against each other. */
  public ResNetConfig {
    layers = List.copyOf(layers);
    Checks.positive("vision_cfg.image_size", Math.min(imageHeight, imageWidth));
    Checks.positive("vision_cfg.width", width);
    if (layers.size() != 4) {
      throw Checks.bad("vision_cfg.layers", layers, "a ModifiedResNet has 4 stages");
    }
    layers.forEach(count -> Checks.positive("vision_cfg.layers", count));
    if (imageHeight != imageWidth || imageHeight % 32 != 0) {
      throw Checks.bad(
          "vision_cfg.image_size",
          imageHeight + " x " + imageWidth,
          "a ModifiedResNet takes square images of a multiple of 32");
    }
    Checks.divides("vision_cfg.width", 2, "a ModifiedResNet's width", width);
    Checks.divides("vision_cfg.head_width", headWidth, "32 * width", 32 * width);
  }

  /** Makes a tower for square images whose attention pooling has heads of width 64. */
  public static ResNetConfig of(int imageSize, int width, List<Integer> layers) {
    return new ResNetConfig(imageSize, imageSize, width, layers, 64);
  }

  /** Returns the width of the features that the attention pooling takes. */
  public int features() {
    return 32 * width;
  }

  /** Returns the number of heads of the attention pooling. */
  public int heads() {
    return features() / headWidth;
  }

  @Override
  public boolean hasBatchNorm() {
    return true;
  }

  @Override
  public String family() {
    return "ModifiedResNet";
  }

  @Override
  public ResNetConfig withImageSize(int height, int newWidth) {
    return new ResNetConfig(height, newWidth, width, layers, headWidth);
  }

  /** Returns the same tower with heads of another width. */
  public ResNetConfig withHeadWidth(int newWidth) {
    return new ResNetConfig(imageHeight, imageWidth, width, layers, newWidth);
  }
}
