package org.clip4j.image.internal;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.awt.image.SampleModel;
import java.io.IOException;

/**
 * Rasters of any layout to 8-bit RGB by the rules of Pillow's {@code convert("RGB")}. Samples are
 * taken as stored: {@link BufferedImage#getRGB} would apply colour spaces, and takes gray for
 * linear light.
 */
public final class PixelConverter {

  private final int background;
  private final boolean premultiplied;
  private final boolean alpha;
  private final int transparentGray;

  /**
   * @param background 0xRRGGBB to composite over, or negative to drop transparency
   */
  public PixelConverter(int background) {
    this(background, false, true, -1);
  }

  /**
   * @param premultiplied whether colours are multiplied by alpha though the raster does not say so
   * @param alpha whether a sample beyond colours is alpha
   * @param transparentGray the level of gray that is transparent; -1 for none
   */
  public PixelConverter(int background, boolean premultiplied, boolean alpha, int transparentGray) {
    this.background = background;
    this.premultiplied = premultiplied;
    this.alpha = alpha;
    this.transparentGray = transparentGray;
  }

  /** As {@link #toRgb(BufferedImage)}, for what no file holds too: other colours and numbers. */
  public Pixels toRgbOfAnyType(BufferedImage image) throws IOException {
    int numbers = image.getRaster().getTransferType();
    boolean whole = numbers != DataBuffer.TYPE_FLOAT && numbers != DataBuffer.TYPE_DOUBLE;
    int colors = image.getColorModel().getColorSpace().getType();
    if (whole
        && (colors == ColorSpace.TYPE_GRAY
            || colors == ColorSpace.TYPE_RGB
            || colors == ColorSpace.TYPE_CMYK)) {
      return toRgb(image);
    }
    int width = image.getWidth();
    byte[] rgb = new byte[width * image.getHeight() * 3];
    int[] row = new int[width];
    for (int y = 0; y < image.getHeight(); y++) {
      fromArgb(image.getRGB(0, y, width, 1, row, 0, width), rgb, y * width * 3);
    }
    return new Pixels(width, image.getHeight(), rgb);
  }

  public Pixels toRgb(BufferedImage image) throws IOException {
    Raster raster = image.getRaster();
    ColorModel colors = image.getColorModel();
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] rgb = new byte[width * height * 3];
    if (colors instanceof IndexColorModel palette) {
      fromPalette(raster, palette, rgb);
    } else if (isPlain(raster, colors)) {
      fromBytes(interleaved(raster), raster.getNumBands(), isPremultiplied(colors), rgb);
    } else if (raster.getTransferType() == DataBuffer.TYPE_INT
        && colors instanceof DirectColorModel packed
        && !packed.isAlphaPremultiplied()
        && isPackedBytes(packed)) {
      fromPacked(raster, packed, rgb);
    } else {
      fromSamples(raster, colors, rgb);
    }
    return new Pixels(width, height, rgb);
  }

  /** Takes pixels 0xAARRGGBB, row by row. */
  public Pixels toRgb(int width, int height, int[] argb) {
    byte[] rgb = new byte[argb.length * 3];
    fromArgb(argb, rgb, 0);
    return new Pixels(width, height, rgb);
  }

  /**
   * Pixels of two bytes, of which the first names a colour.
   *
   * @param colors all reds, all greens and all blues, of 16 bits
   * @param opacity whether the second is alpha
   */
  public Pixels toRgb(Raster raster, long[] colors, boolean opacity) {
    int width = raster.getWidth();
    int count = colors.length / 3;
    int[] row = new int[width];
    int[] pair = new int[2];
    byte[] rgb = new byte[3 * width * raster.getHeight()];
    for (int y = 0; y < raster.getHeight(); y++) {
      for (int x = 0; x < width; x++) {
        raster.getPixel(x, y, pair);
        int color = Math.min(count - 1, pair[0]);
        row[x] =
            (opacity ? pair[1] : 255) << 24
                | (int) (colors[color] >> 8) << 16
                | (int) (colors[count + color] >> 8) << 8
                | (int) (colors[2 * count + color] >> 8);
      }
      fromArgb(row, rgb, 3 * width * y);
    }
    return new Pixels(width, raster.getHeight(), rgb);
  }

  /** Colours 0xAARRGGBB to bytes, from a place on. */
  private void fromArgb(int[] colors, byte[] rgb, int at) {
    int o = at;
    for (int argb : colors) {
      int color = over(argb);
      rgb[o++] = (byte) (color >> 16);
      rgb[o++] = (byte) (color >> 8);
      rgb[o++] = (byte) color;
    }
  }

  /** Composites an image over the background, in place. */
  public void composite(Pixels image, byte[] alpha) {
    byte[] rgb = image.rgb();
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) blend(rgb[i] & 0xFF, channel(background, i % 3), alpha[i / 3] & 0xFF);
    }
  }

  /** One colour 0xAARRGGBB without its transparency: as stored, or over the background. */
  public int over(int argb) {
    int alpha = argb >>> 24;
    if (background < 0 || alpha == 255) {
      return argb & 0xFFFFFF;
    }
    return blend(argb >> 16 & 0xFF, background >> 16, alpha) << 16
        | blend(argb >> 8 & 0xFF, background >> 8 & 0xFF, alpha) << 8
        | blend(argb & 0xFF, background & 0xFF, alpha);
  }

  private void fromPalette(Raster raster, IndexColorModel palette, byte[] rgb) throws IOException {
    int[] colors = new int[palette.getMapSize()];
    palette.getRGBs(colors);
    for (int i = 0; i < colors.length; i++) {
      colors[i] = over(i == transparentGray ? colors[i] & 0xFFFFFF : colors[i]);
    }
    int width = raster.getWidth();
    int[] row = new int[width];
    int o = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, row);
      for (int x = 0; x < width; x++) {
        if (row[x] >= colors.length) {
          throw new IOException(
              "colour " + row[x] + " is not among the " + colors.length + " of its palette");
        }
        int color = colors[row[x]];
        rgb[o++] = (byte) (color >> 16);
        rgb[o++] = (byte) (color >> 8);
        rgb[o++] = (byte) color;
      }
    }
  }

  private static boolean isPackedBytes(DirectColorModel colors) {
    return isByte(colors.getRedMask())
        && isByte(colors.getGreenMask())
        && isByte(colors.getBlueMask())
        && (!colors.hasAlpha() || isByte(colors.getAlphaMask()));
  }

  private static boolean isByte(int mask) {
    return mask >>> Integer.numberOfTrailingZeros(mask) == 0xFF;
  }

  /** Pixels of one number each, whose bytes are the samples in some order. */
  private void fromPacked(Raster raster, DirectColorModel colors, byte[] rgb) {
    int red = Integer.numberOfTrailingZeros(colors.getRedMask());
    int green = Integer.numberOfTrailingZeros(colors.getGreenMask());
    int blue = Integer.numberOfTrailingZeros(colors.getBlueMask());
    int alpha = Integer.numberOfTrailingZeros(colors.getAlphaMask());
    boolean opaque = !colors.hasAlpha();
    int width = raster.getWidth();
    int[] row = new int[width];
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getDataElements(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int x = 0; x < width; x++) {
        int pixel = row[x];
        row[x] =
            (opaque ? 255 : pixel >>> alpha & 0xFF) << 24
                | (pixel >>> red & 0xFF) << 16
                | (pixel >>> green & 0xFF) << 8
                | pixel >>> blue & 0xFF;
      }
      fromArgb(row, rgb, y * width * 3);
    }
  }

  /** Whether samples are bytes of gray or RGB, with or without alpha. */
  private static boolean isPlain(Raster raster, ColorModel colors) {
    if (raster.getDataBuffer().getDataType() != DataBuffer.TYPE_BYTE
        || !(raster.getSampleModel() instanceof PixelInterleavedSampleModel)) {
      return false;
    }
    int type = colors.getColorSpace().getType();
    return type == ColorSpace.TYPE_GRAY || type == ColorSpace.TYPE_RGB;
  }

  private void fromBytes(byte[] raw, int bands, boolean premultiplied, byte[] rgb)
      throws IOException {
    switch (bands) {
      case 1 -> replicate(raw, rgb);
      case 3 -> System.arraycopy(raw, 0, rgb, 0, rgb.length);
      case 2, 4, 5, 6 -> {
        int color = bands == 2 ? 1 : 3; // what comes after alpha is dropped
        for (int i = 0, o = 0; o < rgb.length; i += bands, o += 3) {
          int opacity = alpha ? raw[i + color] & 0xFF : 255;
          for (int c = 0; c < 3; c++) {
            int v = raw[i + (color == 1 ? 0 : c)] & 0xFF;
            if (premultiplied) {
              v = unmultiply(v, opacity);
            }
            rgb[o + c] = (byte) (background < 0 ? v : blend(v, channel(background, c), opacity));
          }
        }
      }
      default -> throw new IOException("pixels of " + bands + " samples are not supported");
    }
  }

  /** All other layouts, sample by sample: 16-bit and packed pixels, CMYK. */
  private void fromSamples(Raster raster, ColorModel colors, byte[] rgb) throws IOException {
    SampleModel samples = raster.getSampleModel();
    int data = raster.getDataBuffer().getDataType();
    if (data == DataBuffer.TYPE_FLOAT || data == DataBuffer.TYPE_DOUBLE) {
      throw new IOException("samples in floating point are not supported");
    }
    int bands = raster.getNumBands();
    int type = colors.getColorSpace().getType();
    boolean cmyk = type == ColorSpace.TYPE_CMYK && bands >= 4;
    if (!cmyk && type != ColorSpace.TYPE_GRAY && (type != ColorSpace.TYPE_RGB || bands < 3)) {
      throw new IOException("its colour space (" + type + ") is not supported");
    }
    boolean hasAlpha = alpha && colors.hasAlpha();
    boolean gray = type == ColorSpace.TYPE_GRAY;
    int width = raster.getWidth();
    int[] row = new int[width * bands];
    int[] pixel = new int[bands];
    int[] bits = samples.getSampleSize();
    int o = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
      for (int x = 0; x < width; x++, o += 3) {
        for (int b = 0; b < bands; b++) {
          // Pillow keeps 16-bit gray as numbers and clips them; 16 bits of colour lose the low
          // byte.
          pixel[b] =
              gray && !hasAlpha && bits[b] > 8
                  ? Math.max(0, Math.min(255, row[x * bands + b]))
                  : to8(row[x * bands + b], bits[b]);
        }
        if (cmyk) {
          cmyk(pixel[0], pixel[1], pixel[2], pixel[3], rgb, o);
          continue;
        }
        int a = hasAlpha ? pixel[bands - 1] : 255;
        if (gray && row[x * bands] == transparentGray) {
          a = 0;
        }
        for (int c = 0; c < 3; c++) {
          int v = pixel[gray ? 0 : c];
          if (isPremultiplied(colors)) {
            v = unmultiply(v, a);
          }
          rgb[o + c] = (byte) (background < 0 ? v : blend(v, channel(background, c), a));
        }
      }
    }
  }

  /** Bytes pixel by pixel, band by band in order. Without a copy where the raster is just that. */
  public static byte[] interleaved(Raster raster) {
    int width = raster.getWidth();
    int height = raster.getHeight();
    int bands = raster.getNumBands();
    PixelInterleavedSampleModel model = (PixelInterleavedSampleModel) raster.getSampleModel();
    DataBufferByte buffer = (DataBufferByte) raster.getDataBuffer();
    byte[] data = buffer.getData();
    int[] offsets = model.getBandOffsets();
    boolean inOrder = true;
    for (int b = 0; b < bands; b++) {
      inOrder &= offsets[b] == b;
    }
    int start =
        buffer.getOffset()
            + (raster.getMinY() - raster.getSampleModelTranslateY()) * model.getScanlineStride()
            + (raster.getMinX() - raster.getSampleModelTranslateX()) * model.getPixelStride();
    if (inOrder
        && start == 0
        && model.getPixelStride() == bands
        && model.getScanlineStride() == width * bands
        && data.length == width * height * bands) {
      return data;
    }
    byte[] copy = new byte[width * height * bands];
    int o = 0;
    for (int y = 0; y < height; y++) {
      int i = start + y * model.getScanlineStride();
      for (int x = 0; x < width; x++, i += model.getPixelStride()) {
        for (int b = 0; b < bands; b++) {
          copy[o++] = data[i + offsets[b]];
        }
      }
    }
    return copy;
  }

  /** Gray to r = g = b. */
  public static void replicate(byte[] gray, byte[] rgb) {
    for (int i = 0, o = 0; o < rgb.length; i++) {
      byte v = gray[i];
      rgb[o++] = v;
      rgb[o++] = v;
      rgb[o++] = v;
    }
  }

  /** CMYK (255 is full ink) to RGB: what paper lacks of black, less the share of each ink. */
  public static void cmyk(int c, int m, int y, int k, byte[] rgb, int at) {
    int light = 255 - k;
    rgb[at] = (byte) (light - share(c, light));
    rgb[at + 1] = (byte) (light - share(m, light));
    rgb[at + 2] = (byte) (light - share(y, light));
  }

  /** The rounded value of a * b / 255, for a and b from 0 to 255. */
  private static int share(int a, int b) {
    int t = a * b + 128;
    return (t >> 8) + t >> 8;
  }

  /** The rounded value of (v * alpha + below * (255 - alpha)) / 255. */
  private static int blend(int v, int below, int alpha) {
    int t = v * alpha + below * (255 - alpha) + 128;
    return (t >> 8) + t >> 8;
  }

  private boolean isPremultiplied(ColorModel colors) {
    return premultiplied || colors.isAlphaPremultiplied();
  }

  private static int unmultiply(int v, int alpha) {
    return alpha == 0 ? 0 : Math.min(255, 255 * v / alpha);
  }

  private static int to8(int v, int bits) {
    return bits == 8 ? v : bits > 8 ? v >> bits - 8 : v * 255 / ((1 << bits) - 1);
  }

  private static int channel(int rgb, int c) {
    return rgb >> 16 - 8 * c & 0xFF;
  }
}
