package org.clip4j.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

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
 * @param lnPre whether a LayerNorm stands before the first block
 * @param pooling how tokens become one feature
 * @param lnAfterPool whether the last LayerNorm comes after the pooling and not before it
 * @param tanhGelu whether GELU is computed by its tanh approximation
 * @param normEpsilon of every LayerNorm
 * @param patchDropout share of a ViT's patches, drawn anew for every image, that training leaves
 *     out (Li et al. 2023, "Scaling Language-Image Pre-training via Masking"); it changes no
 *     embedding
 */
public record VisionConfig(
    int imageHeight,
    int imageWidth,
    int patchSize,
    int width,
    List<Integer> layers,
    int headWidth,
    double mlpRatio,
    @Nullable Double lsInitValue,
    boolean lnPre,
    ImagePooling pooling,
    boolean lnAfterPool,
    boolean tanhGelu,
    double normEpsilon,
    double patchDropout) {

  /** Checks the sizes against each other. */
  public VisionConfig {
    layers = List.copyOf(layers);
    Checks.positive("vision_cfg.image_size", Math.min(imageHeight, imageWidth));
    Checks.positive("vision_cfg.width", width);
    Checks.positive("vision_cfg.norm_kwargs.eps", normEpsilon);
    if (!(patchDropout >= 0 && patchDropout < 1)) {
      throw Checks.bad("vision_cfg.patch_dropout", patchDropout, "must be at least 0 and below 1");
    }
    if (layers.size() != 1 && layers.size() != 4) {
      throw Checks.bad(
          "vision_cfg.layers", layers, "one number is a ViT, a ModifiedResNet has 4 stages");
    }
    layers.forEach(count -> Checks.positive("vision_cfg.layers", count));
    if (layers.size() == 1) {
      Checks.positive("vision_cfg.patch_size", patchSize);
      if (patchSize > Math.min(imageHeight, imageWidth)) {
        throw Checks.bad(
            "vision_cfg.patch_size",
            patchSize,
            "larger than the image, " + imageHeight + " x " + imageWidth);
      }
      Checks.mlp("vision_cfg.mlp_ratio", mlpRatio, width);
      Checks.divides("vision_cfg.head_width", headWidth, "the width", width);
    } else {
      if (imageHeight != imageWidth || imageHeight % 32 != 0) {
        throw Checks.bad(
            "vision_cfg.image_size",
            imageHeight + " x " + imageWidth,
            "a ModifiedResNet takes square images of a multiple of 32");
      }
      Checks.divides("vision_cfg.width", 2, "a ModifiedResNet's width", width);
      Checks.divides("vision_cfg.head_width", headWidth, "32 * width", 32 * width);
      if (patchDropout > 0) {
        throw Checks.bad(
            "vision_cfg.patch_dropout", patchDropout, "a ModifiedResNet has no patches");
      }
      if (lsInitValue != null || !lnPre || pooling != ImagePooling.TOK || lnAfterPool || tanhGelu) {
        throw new IllegalArgumentException(
            "vision_cfg.layers is a list, a ModifiedResNet, which has none of ls_init_value,"
                + " no_ln_pre, pool_type, final_ln_after_pool and act_kwargs; leave them out");
      }
    }
  }

  /** A tower as the paper has it: class token, LayerNorm before the blocks, epsilon 1e-5. */
  public VisionConfig(
      int imageHeight,
      int imageWidth,
      int patchSize,
      int width,
      List<Integer> layers,
      int headWidth,
      double mlpRatio,
      @Nullable Double lsInitValue) {
    this(
        imageHeight,
        imageWidth,
        patchSize,
        width,
        layers,
        headWidth,
        mlpRatio,
        lsInitValue,
        true,
        ImagePooling.TOK,
        false,
        false,
        TextConfig.NORM_EPSILON);
  }

  /** A tower that trains on all patches. */
  public VisionConfig(
      int imageHeight,
      int imageWidth,
      int patchSize,
      int width,
      List<Integer> layers,
      int headWidth,
      double mlpRatio,
      @Nullable Double lsInitValue,
      boolean lnPre,
      ImagePooling pooling,
      boolean lnAfterPool,
      boolean tanhGelu,
      double normEpsilon) {
    this(
        imageHeight,
        imageWidth,
        patchSize,
        width,
        layers,
        headWidth,
        mlpRatio,
        lsInitValue,
        lnPre,
        pooling,
        lnAfterPool,
        tanhGelu,
        normEpsilon,
        0);
  }

  /** SigLIP's tower: no class token, no first LayerNorm, attention pooling, epsilon 1e-6. */
  public static VisionConfig sigLip(
      int imageSize,
      int patchSize,
      int width,
      int layers,
      int heads,
      double mlpRatio,
      boolean tanhGelu) {
    Checks.divides("vision_cfg.heads", heads, "the width", width);
    return new VisionConfig(
        imageSize,
        imageSize,
        patchSize,
        width,
        List.of(layers),
        width / heads,
        mlpRatio,
        null,
        false,
        ImagePooling.MAP,
        false,
        tanhGelu,
        1e-6);
  }

  VisionConfig withImageSize(int height, int newWidth) {
    return with(height, newWidth, patchDropout);
  }

  VisionConfig withPatchDropout(double share) {
    return with(imageHeight, imageWidth, share);
  }

  private VisionConfig with(int height, int newWidth, double share) {
    return new VisionConfig(
        height,
        newWidth,
        patchSize,
        width,
        layers,
        headWidth,
        mlpRatio,
        lsInitValue,
        lnPre,
        pooling,
        lnAfterPool,
        tanhGelu,
        normEpsilon,
        share);
  }

  /** Whether this is a ModifiedResNet (a list of layers) and not a ViT. */
  public boolean isResNet() {
    return layers.size() > 1;
  }

  /** Whether this is SigLIP's tower, see {@link ImagePooling#MAP}. */
  public boolean isSigLip() {
    return pooling == ImagePooling.MAP;
  }

  /** Hidden width of the MLP of each block. */
  public int mlpWidth() {
    return (int) (width * mlpRatio);
  }

  /** Attention heads H of each block of a ViT; of the attention pooling of a ModifiedResNet. */
  public int heads() {
    return (isResNet() ? width * 32 : width) / headWidth;
  }

  /** Patches of an image, of a ViT. */
  public int patches() {
    return gridHeight() * gridWidth();
  }

  /** Rows of patches, of a ViT. */
  int gridHeight() {
    return imageHeight / patchSize;
  }

  /** Columns of patches, of a ViT. */
  int gridWidth() {
    return imageWidth / patchSize;
  }
}
