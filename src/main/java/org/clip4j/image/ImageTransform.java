package org.clip4j.image;

import java.util.Arrays;

/**
 * The validation transform that a model was trained for: resize, centre crop, and the mean and
 * standard deviation with which the engine then normalises. Travels with every checkpoint.
 *
 * @param height of the model's input in pixels
 * @param width of the model's input in pixels
 * @param mean per channel, of values in [0, 1]
 * @param std per channel, of values in [0, 1]
 * @param interpolation used to resize
 * @param resizeMode how an image of another shape is brought to height x width
 */
public record ImageTransform(
    int height,
    int width,
    float[] mean,
    float[] std,
    Interpolation interpolation,
    ResizeMode resizeMode) {

  /** Mean of the images that OpenAI trained CLIP on, the default of OpenCLIP and transformers. */
  private static final float[] OPENAI_MEAN = {0.48145466f, 0.4578275f, 0.40821073f};

  private static final float[] OPENAI_STD = {0.26862954f, 0.26130258f, 0.27577711f};

  /** Resampling filters, named as Pillow names them. */
  public enum Interpolation {
    BILINEAR,
    BICUBIC
  }

  /** OpenCLIP's resize modes. */
  public enum ResizeMode {
    /** The shorter edge is resized to the input size, then the centre is cropped. */
    SHORTEST,
    /** Both edges are resized to the input size, whatever the aspect ratio. */
    SQUASH
  }

  /** OpenAI's transform at the given input size: bicubic, shortest edge, centre crop. */
  public static ImageTransform openai(int height, int width) {
    return new ImageTransform(
        height,
        width,
        OPENAI_MEAN.clone(),
        OPENAI_STD.clone(),
        Interpolation.BICUBIC,
        ResizeMode.SHORTEST);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ImageTransform that
        && height == that.height
        && width == that.width
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(std, that.std)
        && interpolation == that.interpolation
        && resizeMode == that.resizeMode;
  }

  @Override
  public int hashCode() {
    return 31 * (31 * height + width) + Arrays.hashCode(mean);
  }
}
