package org.clip4j.image;

import java.awt.geom.Rectangle2D;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Describes the validation transform that a model was trained for: resize, centre crop, and the
 * mean and standard deviation with which the engine then normalises. Travels with every checkpoint.
 *
 * @param height of the model's input in pixels; with {@link ResizeMode#PATCHES} of a patch
 * @param width of the model's input in pixels; with {@link ResizeMode#PATCHES} of as many patches,
 *     side by side, as an image has at most
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
    ResizeMode resizeMode)
    implements Serializable {

  /**
   * Copies the arrays, and checks what would make every embedding NaN.
   *
   * @throws IllegalArgumentException if a mean is not finite, or a standard deviation is not finite
   *     and above 0
   */
  public ImageTransform {
    mean = mean.clone();
    std = std.clone();
    for (int i = 0; i < 3; i++) {
      if (!Float.isFinite(mean[i]) || !Float.isFinite(std[i]) || std[i] < Float.MIN_NORMAL) {
        throw new IllegalArgumentException(
            "mean "
                + Arrays.toString(mean)
                + " and std "
                + Arrays.toString(std)
                + " must be finite, and std above 0");
      }
    }
    if (resizeMode == ResizeMode.PATCHES
        && (width < height || width % height != 0 || width / height > MOST_PATCHES)) {
      throw new IllegalArgumentException(
          "patches of "
              + height
              + " pixels side by side, 1 to "
              + MOST_PATCHES
              + " of them, are no "
              + width
              + " pixels wide");
    }
  }

  private static final int MOST_PATCHES = 0xFFFF;

  /** Where the search for the scale of an image ends, as in transformers. */
  private static final double SCALE_EPSILON = 1e-5;

  private static final double MOST_SCALE = 100;

  /** Mean of the images that OpenAI trained CLIP on, the default of OpenCLIP and transformers. */
  private static final float[] OPENAI_MEAN = {0.48145466f, 0.4578275f, 0.40821073f};

  private static final float[] OPENAI_STD = {0.26862954f, 0.26130258f, 0.27577711f};

  /** Names the resampling filters as Pillow does. */
  public enum Interpolation {
    BILINEAR,
    BICUBIC
  }

  /** Names OpenCLIP's resize modes. */
  public enum ResizeMode {
    /** The shorter edge is resized to the input size, then the centre is cropped. */
    SHORTEST,
    /** A resize of both edges to the input size, whatever the aspect ratio. */
    SQUASH,
    /**
     * Each image keeps about its aspect ratio: it becomes as large as its patches may be many, and
     * its edges whole numbers of patches (SigLIP 2's NaFlex, Tschannen et al. 2025).
     */
    PATCHES
  }

  /** Tells how many rows and columns of patches an image becomes. */
  public record Grid(int rows, int columns) {}

  /** Returns OpenAI's transform at the given input size: bicubic, shortest edge, centre crop. */
  public static ImageTransform openai(int height, int width) {
    return new ImageTransform(
        height, width, OPENAI_MEAN, OPENAI_STD, Interpolation.BICUBIC, ResizeMode.SHORTEST);
  }

  /** Returns SigLIP's transform at the given input size: bicubic, both edges, values in [-1, 1]. */
  public static ImageTransform sigLip(int height, int width) {
    float[] half = {0.5f, 0.5f, 0.5f};
    return new ImageTransform(height, width, half, half, Interpolation.BICUBIC, ResizeMode.SQUASH);
  }

  /**
   * Gives NaFlex's transform: bilinear, values in [-1, 1], each image of its own shape.
   *
   * @param patchSize edge of a patch in pixels
   * @param maxPatches most patches of an image
   */
  public static ImageTransform naFlex(int patchSize, int maxPatches) {
    float[] half = {0.5f, 0.5f, 0.5f};
    int width = Math.multiplyExact(patchSize, maxPatches);
    return new ImageTransform(
        patchSize, width, half, half, Interpolation.BILINEAR, ResizeMode.PATCHES);
  }

  /** Returns the most patches of an image with {@link ResizeMode#PATCHES}; 0 without. */
  public int patches() {
    return resizeMode == ResizeMode.PATCHES ? width / height : 0;
  }

  /** Returns how many bytes {@link #apply} gives. */
  public int bytes() {
    return 3 * height * width + (resizeMode == ResizeMode.PATCHES ? 4 : 0);
  }

  /**
   * Resizes and crops as {@code open_clip.image_transform(size, is_train=False)} does to an RGB
   * image, up to where it normalises; equal on every value. Thread-safe.
   *
   * <p>{@link ResizeMode#SHORTEST} with a square input is torchvision's {@code Resize} by the
   * shorter edge (the longer one is cut down to a whole number of pixels) and {@code CenterCrop}.
   * With another shape OpenCLIP scales until the input is just covered, rounding both edges, and
   * always by bicubic interpolation, whatever is asked for; so does this. {@link ResizeMode#SQUASH}
   * resizes to the input size and crops nothing. The pixels are Pillow's resampling.
   *
   * <p>With {@link ResizeMode#PATCHES} it resizes as transformers' {@code Siglip2ImageProcessor}
   * does, and what is given is a strip: the patches side by side, row by row, then black ones, and
   * after the three planes four bytes, the numbers of rows and of columns, the higher byte first.
   *
   * @param image of any size
   * @return levels from 0 to 255 as unsigned bytes, planar [3, height, width]; the model's input is
   *     (level / 255 - mean) / std
   */
  public byte[] apply(RgbImage image) {
    if (resizeMode == ResizeMode.PATCHES) {
      return strip(image, interpolation, (levels, fullWidth) -> {});
    }
    Fit fit = fit(image.width(), image.height());
    return Resampler.resize(
        image, fit.fullWidth, fit.fullHeight, fit.left, fit.top, width, height, fit.filter);
  }

  /** Cuts a resized image into its patches; {@code change} may change its levels before. */
  byte[] strip(RgbImage image, Interpolation filter, BiConsumer<byte[], Integer> change) {
    Grid grid = grid(image.width(), image.height());
    int fullWidth = grid.columns * height;
    int fullHeight = grid.rows * height;
    byte[] levels =
        Resampler.resize(image, fullWidth, fullHeight, 0, 0, fullWidth, fullHeight, filter);
    change.accept(levels, fullWidth);
    byte[] strip = new byte[bytes()];
    for (int channel = 0; channel < 3; channel++) {
      for (int y = 0; y < fullHeight; y++) {
        for (int column = 0; column < grid.columns; column++) {
          int patch = y / height * grid.columns + column;
          System.arraycopy(
              levels,
              (channel * fullHeight + y) * fullWidth + column * height,
              strip,
              (channel * height + y % height) * width + patch * height,
              height);
        }
      }
    }
    ByteBuffer.wrap(strip, strip.length - 4, 4)
        .putShort((short) grid.rows)
        .putShort((short) grid.columns);
    return strip;
  }

  /**
   * Tells how many rows and columns of patches an image becomes: those of the largest scale at
   * which they are not too many, found by halving as transformers finds it.
   *
   * @throws IllegalStateException without {@link ResizeMode#PATCHES}
   */
  public Grid grid(int imageWidth, int imageHeight) {
    if (resizeMode != ResizeMode.PATCHES) {
      throw new IllegalStateException("all images become " + height + " x " + width + " pixels");
    }
    double low = SCALE_EPSILON / 10;
    double high = MOST_SCALE;
    while (high - low >= SCALE_EPSILON) {
      double scale = (low + high) / 2;
      if (patches(scale, imageHeight) * patches(scale, imageWidth) <= patches()) {
        low = scale;
      } else {
        high = scale;
      }
    }
    return new Grid((int) patches(low, imageHeight), (int) patches(low, imageWidth));
  }

  private long patches(double scale, int edge) {
    return Math.max(1, (long) Math.ceil(edge * scale / height));
  }

  /**
   * Tells which part of an image {@link #apply} keeps.
   *
   * @param imageWidth in pixels
   * @param imageHeight in pixels
   * @return in the image's pixels, from its upper left corner
   */
  public Rectangle2D kept(int imageWidth, int imageHeight) {
    if (resizeMode == ResizeMode.PATCHES) {
      return new Rectangle2D.Double(0, 0, imageWidth, imageHeight);
    }
    Fit fit = fit(imageWidth, imageHeight);
    double x = (double) imageWidth / fit.fullWidth;
    double y = (double) imageHeight / fit.fullHeight;
    return new Rectangle2D.Double(fit.left * x, fit.top * y, width * x, height * y);
  }

  /** The size that an image is brought to, and what of it is then kept. */
  private record Fit(long fullWidth, long fullHeight, long left, long top, Interpolation filter) {}

  private Fit fit(int imageWidth, int imageHeight) {
    if (resizeMode == ResizeMode.SQUASH) {
      return new Fit(width, height, 0, 0, interpolation);
    }
    long fullWidth;
    long fullHeight;
    Interpolation filter;
    if (height == width) {
      int shorter = Math.min(imageWidth, imageHeight);
      fullWidth = shorterTo(width, imageWidth, shorter);
      fullHeight = shorterTo(height, imageHeight, shorter);
      filter = interpolation;
    } else {
      double ratio = Math.min((double) imageHeight / height, (double) imageWidth / width);
      fullWidth = (long) Math.rint(imageWidth / ratio);
      fullHeight = (long) Math.rint(imageHeight / ratio);
      filter = Interpolation.BICUBIC;
    }
    // Python's round(), as Math.rint(), takes a half to the even neighbour.
    long left = (long) Math.rint((fullWidth - width) / 2.0);
    long top = (long) Math.rint((fullHeight - height) / 2.0);
    return new Fit(fullWidth, fullHeight, left, top, filter);
  }

  private static long shorterTo(int size, int edge, int shorter) {
    return (long) ((double) ((long) size * edge) / shorter);
  }

  /** Returns a copy of the means. */
  @Override
  public float[] mean() {
    return mean.clone();
  }

  /** Returns a copy of the standard deviations. */
  @Override
  public float[] std() {
    return std.clone();
  }

  @Override
  public boolean equals(@Nullable Object other) {
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
