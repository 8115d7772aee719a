package org.clip4j.model;

import java.util.List;

/**
 * The image tower, in the vocabulary of OpenCLIP's {@code vision_cfg}.
 *
 * @param imageHeight input height in pixels
 * @param imageWidth input width in pixels
 * @param patchSize edge of a square patch in pixels; 0 for a ModifiedResNet
 * @param width D, the transformer's width, or the base width of a ModifiedResNet
 * @param layers one number, the residual attention blocks of a ViT; or four, the blocks of a
 *     ModifiedResNet's stages
 * @param headWidth width of one attention head
 * @param mlpRatio hidden width of the MLP over D
 * @param lsInitValue initial value of LayerScale, or null for none
 */
public record VisionConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    List<Integer> layers,
    int headWidth,
    double mlpRatio,
    Double lsInitValue) {

  /** Whether this is a ModifiedResNet (a list of layers) and not a ViT. */
  public boolean isResNet() {
    return layers.size() > 1;
  }

  /** Hidden width of the MLP of each block. */
  public int mlpWidth() {
    return (int) (width * mlpRatio);
  }

  /** Attention heads H of each block of a ViT; of the attention pooling of a ModifiedResNet. */
  public int heads() {
    return (isResNet() ? width * 32 : width) / headWidth;
  }
}
