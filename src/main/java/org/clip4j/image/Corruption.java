package org.clip4j.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.DoubleSupplier;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Spoils an image in one of several ways at five severities, to see how a model bears a shift of
 * its data. Blur, noise, JPEG and contrast have the settings of ImageNet-C (Hendrycks and
 * Dietterich 2019), whose images are 224 pixels high and wide: lengths grow and shrink with the
 * shorter edge. Grayscale and occlusion are our own.
 */
public enum Corruption {
  /** Gaussian blur; standard deviation 1, 2, 3, 4 or 6 pixels of 224. */
  BLUR(1, 2, 3, 4, 6) {
    @Override
    RgbImage apply(RgbImage image, double sigma, DoubleSupplier uniform) {
      return blur(image, sigma * shorter(image) / REFERENCE);
    }
  },

  /**
   * Gaussian noise in every channel; standard deviation 0.08, 0.12, 0.18, 0.26 or 0.38 of the
   * range. A grain is a square of one pixel of 224, so that shrinking a large image does not remove
   * it.
   */
  NOISE(0.08, 0.12, 0.18, 0.26, 0.38) {
    @Override
    RgbImage apply(RgbImage image, double deviation, DoubleSupplier uniform) {
      return noise(image, 255 * deviation, uniform);
    }
  },

  /** JPEG at quality 25, 18, 15, 10 or 7, in blocks of 8 pixels whatever the image's size. */
  JPEG(25, 18, 15, 10, 7) {
    @Override
    RgbImage apply(RgbImage image, double quality, DoubleSupplier uniform) {
      return jpeg(image, quality);
    }
  },

  /** 40, 30, 20, 10 or 5 % of the contrast about each channel's mean. */
  CONTRAST(0.4, 0.3, 0.2, 0.1, 0.05) {
    @Override
    RgbImage apply(RgbImage image, double kept, DoubleSupplier uniform) {
      return contrast(image, kept);
    }
  },

  /** 20, 40, 60, 80 or 100 % of the way to the luma of Rec. 601. */
  GRAYSCALE(0.2, 0.4, 0.6, 0.8, 1) {
    @Override
    RgbImage apply(RgbImage image, double share, DoubleSupplier uniform) {
      return grayscale(image, share);
    }
  },

  /** A grey rectangle of the image's proportions, anywhere, over 10, 20, 30, 40 or 50 % of it. */
  OCCLUSION(0.1, 0.2, 0.3, 0.4, 0.5) {
    @Override
    RgbImage apply(RgbImage image, double share, DoubleSupplier uniform) {
      return occlude(image, Math.sqrt(share), uniform);
    }
  };

  /** The number of severities, from 1. */
  public static final int SEVERITIES = 5;

  private static final int REFERENCE = 224;
  private static final byte GREY = (byte) 128;

  private final double[] amounts;

  Corruption(double... amounts) {
    this.amounts = amounts;
  }

  abstract RgbImage apply(RgbImage image, double amount, DoubleSupplier uniform);

  /**
   * Spoils an image. The same image and the same numbers give the same result; JPEG depends on the
   * Java version's encoder.
   *
   * @param severity from 1, mild, to 5
   * @param uniform gives numbers in [0, 1); noise and occlusion draw from it
   * @return another image of the same size
   */
  public RgbImage apply(RgbImage image, int severity, DoubleSupplier uniform) {
    return apply(image, amount(severity), uniform);
  }

  /** Returns the setting of a severity, as the constants' descriptions give it. */
  public double amount(int severity) {
    if (severity < 1 || severity > SEVERITIES) {
      throw new IllegalArgumentException(
          "a severity is a number from 1 to " + SEVERITIES + ", found " + severity);
    }
    return amounts[severity - 1];
  }

  /** Returns what reports call it: "blur", "JPEG". */
  public String label() {
    return this == JPEG ? name() : name().toLowerCase(Locale.ROOT);
  }

  private static int shorter(RgbImage image) {
    return Math.min(image.width(), image.height());
  }

  private static byte level(double value) {
    return (byte) Math.max(0, Math.min(255, (int) Math.rint(value)));
  }

  // ---- blur ----

  private static RgbImage blur(RgbImage image, double sigma) {
    int reach = Math.max(1, (int) Math.ceil(3 * sigma));
    double[] weights = new double[2 * reach + 1];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      double distance = (i - reach) / sigma;
      weights[i] = StrictMath.exp(-0.5 * distance * distance);
      sum += weights[i];
    }
    for (int i = 0; i < weights.length; i++) {
      weights[i] /= sum;
    }
    int width = image.width();
    int height = image.height();
    double[] levels = new double[image.pixels().length];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = image.pixels()[i] & 0xFF;
    }
    levels = pass(levels, width, height, 3, 3 * width, weights);
    levels = pass(levels, height, width, 3 * width, 3, weights);
    byte[] pixels = new byte[levels.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = level(levels[i]);
    }
    return new RgbImage(width, height, pixels);
  }

  /**
   * Along one axis; edges go on beyond themselves.
   *
   * @param length of the axis
   * @param lines how many there are along it
   * @param step between neighbours along the axis
   * @param stride between lines
   */
  private static double[] pass(
      double[] from, int length, int lines, int step, int stride, double[] weights) {
    int reach = weights.length / 2;
    double[] to = new double[from.length];
    for (int line = 0; line < lines; line++) {
      for (int i = 0; i < length; i++) {
        for (int c = 0; c < 3; c++) {
          double sum = 0;
          for (int w = 0; w < weights.length; w++) {
            int at = Math.max(0, Math.min(length - 1, i + w - reach));
            sum += weights[w] * from[line * stride + at * step + c];
          }
          to[line * stride + i * step + c] = sum;
        }
      }
    }
    return to;
  }

  // ---- noise ----

  private static RgbImage noise(RgbImage image, double deviation, DoubleSupplier uniform) {
    int width = image.width();
    int grain = Math.max(1, (int) Math.rint((double) shorter(image) / REFERENCE));
    int across = (width + grain - 1) / grain;
    int down = (image.height() + grain - 1) / grain;
    double[] drawn = new double[3 * across * down];
    for (int i = 0; i < drawn.length; i += 2) { // Box and Muller's way gives two at a time
      double radius = deviation * StrictMath.sqrt(-2 * StrictMath.log(1 - uniform.getAsDouble()));
      double angle = 2 * StrictMath.PI * uniform.getAsDouble();
      drawn[i] = radius * StrictMath.cos(angle);
      if (i + 1 < drawn.length) {
        drawn[i + 1] = radius * StrictMath.sin(angle);
      }
    }
    byte[] pixels = image.pixels().clone();
    for (int i = 0; i < pixels.length; i++) {
      int x = i / 3 % width;
      int y = i / 3 / width;
      int at = (y / grain * across + x / grain) * 3 + i % 3;
      pixels[i] = level((pixels[i] & 0xFF) + drawn[at]);
    }
    return new RgbImage(width, image.height(), pixels);
  }

  // ---- JPEG ----

  private static RgbImage jpeg(RgbImage image, double quality) {
    BufferedImage picture =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_INT_RGB);
    byte[] pixels = image.pixels();
    for (int i = 0; i < pixels.length; i += 3) {
      int rgb = (pixels[i] & 0xFF) << 16 | (pixels[i + 1] & 0xFF) << 8 | pixels[i + 2] & 0xFF;
      picture.setRGB(i / 3 % image.width(), i / 3 / image.width(), rgb);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality((float) (quality / 100));
      writer.setOutput(out);
      writer.write(null, new IIOImage(picture, null, null), param);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot encode an image in memory as JPEG", e);
    } finally {
      writer.dispose();
    }
    try {
      return ImageDecoder.decode(bytes.toByteArray(), "JPEG in memory");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot decode what was just encoded as JPEG", e);
    }
  }

  // ---- colours ----

  private static RgbImage contrast(RgbImage image, double kept) {
    byte[] pixels = image.pixels().clone();
    for (int c = 0; c < 3; c++) {
      double mean = 0;
      for (int i = c; i < pixels.length; i += 3) {
        mean += pixels[i] & 0xFF;
      }
      mean /= pixels.length / 3;
      for (int i = c; i < pixels.length; i += 3) {
        pixels[i] = level(mean + kept * ((pixels[i] & 0xFF) - mean));
      }
    }
    return new RgbImage(image.width(), image.height(), pixels);
  }

  private static RgbImage grayscale(RgbImage image, double share) {
    byte[] pixels = image.pixels().clone();
    for (int i = 0; i < pixels.length; i += 3) {
      double luma =
          0.299 * (pixels[i] & 0xFF)
              + 0.587 * (pixels[i + 1] & 0xFF)
              + 0.114 * (pixels[i + 2] & 0xFF);
      for (int c = 0; c < 3; c++) {
        double own = pixels[i + c] & 0xFF;
        pixels[i + c] = level(own + share * (luma - own));
      }
    }
    return new RgbImage(image.width(), image.height(), pixels);
  }

  private static RgbImage occlude(RgbImage image, double side, DoubleSupplier uniform) {
    int width = Math.max(1, (int) Math.rint(side * image.width()));
    int height = Math.max(1, (int) Math.rint(side * image.height()));
    int left = (int) (uniform.getAsDouble() * (image.width() - width + 1));
    int top = (int) (uniform.getAsDouble() * (image.height() - height + 1));
    byte[] pixels = image.pixels().clone();
    for (int y = top; y < top + height; y++) {
      int from = (y * image.width() + left) * 3;
      Arrays.fill(pixels, from, from + 3 * width, GREY);
    }
    return new RgbImage(image.width(), image.height(), pixels);
  }
}
