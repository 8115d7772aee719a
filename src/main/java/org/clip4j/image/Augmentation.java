package org.clip4j.image;

import java.util.Arrays;
import java.util.function.DoubleSupplier;

/**
 * Changes images in training in place of the validation transform: a random crop, resized, and if
 * asked for a mirror image, changed colours and gray, in this order. The defaults are those of
 * {@code open_clip.image_transform(size, is_train=True)}: the crop alone, of 90 to 100 % of the
 * area.
 *
 * <p>The crop is drawn as torchvision's {@code RandomResizedCrop} draws it and resized by Pillow's
 * bicubic interpolation, whatever the validation transform uses, as in OpenCLIP. Colours change as
 * torchvision's {@code ColorJitter} changes a Pillow image, value for value.
 *
 * @param minScale least share of the image's area that a crop takes, in (0, 1]
 * @param maxScale largest share, from the least to 1
 * @param minRatio least width / height of a crop, above 0
 * @param maxRatio largest width / height of a crop
 * @param flipProbability of a mirror image, left for right
 * @param brightness factors from max(0, 1 - brightness) to 1 + brightness; 0 for none
 * @param contrast factors likewise
 * @param saturation factors likewise
 * @param hue turns of the colour circle from -hue to hue, at most 0.5; 0 for none
 * @param jitterProbability that brightness, contrast, saturation and hue change, in an order drawn
 *     anew
 * @param grayscaleProbability of losing all colour
 */
public record Augmentation(
    double minScale,
    double maxScale,
    double minRatio,
    double maxRatio,
    double flipProbability,
    double brightness,
    double contrast,
    double saturation,
    double hue,
    double jitterProbability,
    double grayscaleProbability) {

  private static final int ATTEMPTS = 10; // torchvision's

  /** Checks the ranges. */
  public Augmentation {
    require(minScale > 0 && minScale <= maxScale && maxScale <= 1, "scale", minScale, maxScale);
    require(
        minRatio > 0 && minRatio <= maxRatio && maxRatio < Double.POSITIVE_INFINITY,
        "ratio",
        minRatio,
        maxRatio);
    probability(flipProbability, "flip");
    probability(jitterProbability, "colour jitter");
    probability(grayscaleProbability, "grayscale");
    strength(brightness, "brightness", Double.MAX_VALUE);
    strength(contrast, "contrast", Double.MAX_VALUE);
    strength(saturation, "saturation", Double.MAX_VALUE);
    strength(hue, "hue", 0.5);
  }

  /** Returns OpenCLIP's default: a crop of 90 to 100 % of the area, 3:4 to 4:3. */
  public static Augmentation openClip() {
    return builder().build();
  }

  /** Starts from {@link #openClip()}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Draws one random view of an image. The same image and the same numbers give the same view.
   * Thread-safe, as far as the numbers are.
   *
   * @param image of any size
   * @param height of the result
   * @param width of the result
   * @param uniform gives numbers in [0, 1), for example {@code new Random(seed)::nextDouble}
   * @return levels from 0 to 255 as unsigned bytes, planar [3, height, width], as those of {@link
   *     ImageTransform#apply}
   */
  public byte[] apply(RgbImage image, int height, int width, DoubleSupplier uniform) {
    CropBox box = crop(image.width(), image.height(), uniform);
    byte[] levels =
        Resampler.resize(
            box.of(image),
            width,
            height,
            0,
            0,
            width,
            height,
            ImageTransform.Interpolation.BICUBIC);
    change(levels, width, uniform);
    return levels;
  }

  /**
   * Draws as {@link #apply(RgbImage, int, int, DoubleSupplier)} does, for the model of a transform.
   * With {@link ImageTransform.ResizeMode#PATCHES} the crop keeps its own aspect ratio.
   *
   * @return as {@link ImageTransform#apply}
   */
  public byte[] apply(RgbImage image, ImageTransform transform, DoubleSupplier uniform) {
    if (transform.resizeMode() != ImageTransform.ResizeMode.PATCHES) {
      return apply(image, transform.height(), transform.width(), uniform);
    }
    CropBox box = crop(image.width(), image.height(), uniform);
    return transform.strip(
        box.of(image),
        ImageTransform.Interpolation.BICUBIC,
        (levels, width) -> change(levels, width, uniform));
  }

  private void change(byte[] levels, int width, DoubleSupplier uniform) {
    if (chance(flipProbability, uniform)) {
      mirror(levels, width);
    }
    if (chance(jitterProbability, uniform)) {
      jitter(levels, uniform);
    }
    if (chance(grayscaleProbability, uniform)) {
      ColorAdjust.grayscale(levels);
    }
  }

  /** A part of an image, in pixels. */
  record CropBox(int left, int top, int width, int height) {

    RgbImage of(RgbImage image) {
      if (width == image.width() && height == image.height()) {
        return image;
      }
      byte[] kept = new byte[3 * width * height];
      for (int y = 0; y < height; y++) {
        int from = 3 * ((top + y) * image.width() + left);
        System.arraycopy(image.pixels(), from, kept, 3 * y * width, 3 * width);
      }
      return new RgbImage(width, height, kept);
    }
  }

  /** RandomResizedCrop.get_params: the centre where ten draws do not fit into the image. */
  CropBox crop(int width, int height, DoubleSupplier uniform) {
    double area = (double) width * height;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      double target = area * between(minScale, maxScale, uniform);
      double ratio = Math.exp(between(Math.log(minRatio), Math.log(maxRatio), uniform));
      // Python's round(), as Math.rint(), takes a half to the even neighbour.
      long w = (long) Math.rint(Math.sqrt(target * ratio));
      long h = (long) Math.rint(Math.sqrt(target / ratio));
      if (w > 0 && w <= width && h > 0 && h <= height) {
        int top = below(height - (int) h + 1, uniform);
        int left = below(width - (int) w + 1, uniform);
        return new CropBox(left, top, (int) w, (int) h);
      }
    }
    double ratio = (double) width / height;
    int w = ratio > maxRatio ? Math.max(1, (int) Math.rint(height * maxRatio)) : width;
    int h = ratio < minRatio ? Math.max(1, (int) Math.rint(width / minRatio)) : height;
    return new CropBox((width - w) / 2, (height - h) / 2, w, h);
  }

  private static void mirror(byte[] levels, int width) {
    for (int row = 0; row < levels.length; row += width) {
      for (int a = row, b = row + width - 1; a < b; a++, b--) {
        byte kept = levels[a];
        levels[a] = levels[b];
        levels[b] = kept;
      }
    }
  }

  private void jitter(byte[] levels, DoubleSupplier uniform) {
    int[] order = {0, 1, 2, 3};
    for (int i = 3; i > 0; i--) {
      int j = below(i + 1, uniform);
      int kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
    double[] strengths = {brightness, contrast, saturation};
    float[] factors = new float[3];
    for (int i = 0; i < 3; i++) {
      factors[i] =
          (float) between(Math.max(0, 1 - strengths[i]), 1 + strengths[i], uniform); // around 1
    }
    double turn = between(-hue, hue, uniform);
    for (int change : order) {
      switch (change) {
        case 0 -> ColorAdjust.brightness(levels, factors[0]);
        case 1 -> ColorAdjust.contrast(levels, factors[1]);
        case 2 -> ColorAdjust.saturation(levels, factors[2]);
        default -> {
          if (hue > 0) { // not even a turn by nothing leaves all colours as they are
            ColorAdjust.hue(levels, turn);
          }
        }
      }
    }
  }

  /** Draws nothing where there is no choice. */
  private static boolean chance(double probability, DoubleSupplier uniform) {
    return probability > 0 && uniform.getAsDouble() < probability;
  }

  private static double between(double low, double high, DoubleSupplier uniform) {
    return low + (high - low) * uniform.getAsDouble();
  }

  private static int below(int bound, DoubleSupplier uniform) {
    return Math.min(bound - 1, (int) (bound * uniform.getAsDouble()));
  }

  private static void require(boolean holds, String what, double... found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "the "
              + what
              + " must be a range of positive numbers, smaller first, of areas at most 1, found "
              + Arrays.toString(found));
    }
  }

  private static void probability(double value, String what) {
    if (!(value >= 0 && value <= 1)) {
      throw new IllegalArgumentException(
          "the " + what + " probability must lie in [0, 1], found " + value);
    }
  }

  private static void strength(double value, String what, double limit) {
    if (!(value >= 0 && value <= limit)) {
      throw new IllegalArgumentException(
          "the jitter of " + what + " must lie in [0, " + limit + "], found " + value);
    }
  }

  /** Collects the options of an augmentation. */
  public static final class Builder {
    private double minScale = 0.9;
    private double maxScale = 1;
    private double minRatio = 3.0 / 4;
    private double maxRatio = 4.0 / 3;
    private double flipProbability;
    private double brightness;
    private double contrast;
    private double saturation;
    private double hue;
    private double jitterProbability;
    private double grayscaleProbability;

    private Builder() {}

    /** Sets the share of the image's area that a crop takes; 0.9 to 1 by default. */
    public Builder optScale(double min, double max) {
      minScale = min;
      maxScale = max;
      return this;
    }

    /** Sets the width / height of a crop; 3/4 to 4/3 by default, its logarithm drawn evenly. */
    public Builder optRatio(double min, double max) {
      minRatio = min;
      maxRatio = max;
      return this;
    }

    /**
     * Sets how often the image is mirrored; 0 by default, since captions may speak of left and
     * right.
     */
    public Builder optFlip(double probability) {
      flipProbability = probability;
      return this;
    }

    /**
     * Sets changes of colour, OpenCLIP's {@code color_jitter} and {@code color_jitter_prob}; none
     * by default. SimCLR's are 0.8, 0.8, 0.8, 0.2 with probability 0.8.
     */
    public Builder optColorJitter(
        double brightness, double contrast, double saturation, double hue, double probability) {
      this.brightness = brightness;
      this.contrast = contrast;
      this.saturation = saturation;
      this.hue = hue;
      jitterProbability = probability;
      return this;
    }

    /** Sets how often all colour is lost, OpenCLIP's {@code gray_scale_prob}; 0 by default. */
    public Builder optGrayscale(double probability) {
      grayscaleProbability = probability;
      return this;
    }

    /**
     * Builds the augmentation.
     *
     * @throws IllegalArgumentException if an option is out of its range
     */
    public Augmentation build() {
      return new Augmentation(
          minScale,
          maxScale,
          minRatio,
          maxRatio,
          flipProbability,
          brightness,
          contrast,
          saturation,
          hue,
          jitterProbability,
          grayscaleProbability);
    }
  }
}
