package org.clip4j.model;

import org.jspecify.annotations.Nullable;

/** Describes an image tower that is a transformer over the patches of an image. */
public sealed interface VisionTransformerConfig extends VisionConfig
    permits VitConfig,
        SigLipConfig,
        TimmVitConfig,
        TimmGapVitConfig,
        TimmRelativeVitConfig,
        ViTaminConfig,
        EvaConfig,
        PeConfig {

  /** Returns what all of these towers have. */
  VisionShape shape();

  /**
   * Returns the same tower of another shape.
   *
   * @throws IllegalArgumentException if the family has none of this shape; the message says why
   */
  VisionTransformerConfig withShape(VisionShape other);

  @Override
  default int imageHeight() {
    return shape().imageHeight();
  }

  @Override
  default int imageWidth() {
    return shape().imageWidth();
  }

  @Override
  default int width() {
    return shape().width();
  }

  /** Returns the edge of a square patch in pixels. */
  default int patchSize() {
    return shape().patchSize();
  }

  /** Returns the number of residual attention blocks. */
  default int layers() {
    return shape().layers();
  }

  /** Returns the attention heads H of each block. */
  default int heads() {
    return shape().heads();
  }

  /** Returns the hidden width of the MLP over D. */
  default double mlpRatio() {
    return shape().mlpRatio();
  }

  /** Returns whether GELU is computed by its tanh approximation. */
  default boolean tanhGelu() {
    return shape().tanhGelu();
  }

  /** Returns the epsilon of every LayerNorm. */
  default double normEpsilon() {
    return shape().normEpsilon();
  }

  /**
   * Returns the share of the patches, drawn anew for every image, that training leaves out (Li et
   * al. 2023, "Scaling Language-Image Pre-training via Masking"); it changes no embedding.
   */
  default double patchDropout() {
    return shape().patchDropout();
  }

  /** Returns the initial value of LayerScale, or null for none. */
  default @Nullable Double lsInitValue() {
    return null;
  }

  /** Returns whether some of an image's patches can be taken without the others. */
  default boolean choosesPatches() {
    return true;
  }

  @Override
  default int blocks() {
    return layers();
  }

  /** Returns the hidden width of the MLP of each block. */
  default int mlpWidth() {
    return (int) (width() * mlpRatio());
  }

  /** Returns the number of patches of an image. */
  default int patches() {
    return gridHeight() * gridWidth();
  }

  /** Returns the number of rows of patches. */
  default int gridHeight() {
    return imageHeight() / patchSize();
  }

  /** Returns the number of columns of patches. */
  default int gridWidth() {
    return imageWidth() / patchSize();
  }

  @Override
  default VisionTransformerConfig withImageSize(int height, int width) {
    return withShape(shape().toBuilder().setImageSize(height, width).build());
  }

  /** Returns the same tower with another {@link #patchDropout}. */
  default VisionTransformerConfig withPatchDropout(double share) {
    return withShape(shape().toBuilder().optPatchDropout(share).build());
  }

  /** Returns the same tower with another {@link #mlpRatio}. */
  default VisionTransformerConfig withMlpRatio(double ratio) {
    return withShape(shape().toBuilder().optMlpRatio(ratio).build());
  }

  @Override
  default long valuesOfImage(int patches) {
    return (Math.max(patches(), patches) + 1L) * width();
  }
}
