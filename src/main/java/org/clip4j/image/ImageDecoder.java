package org.clip4j.image;

import ai.djl.modality.cv.Image;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.clip4j.io.IoErrors;

/**
 * Decodes PNG, JPEG, WebP, GIF, BMP and TIFF to 8-bit RGB, upright: what Pillow's {@code
 * ImageOps.exif_transpose(Image.open(file)).convert("RGB")} gives.
 *
 * <p>In particular: gray becomes r = g = b = v; 16-bit colour keeps its high byte; 16-bit gray is
 * clipped at 255; CMYK is converted by arithmetic; transparency is dropped, so that the colour
 * stored under it shows, unless a background is set; embedded colour profiles and gamma are
 * ignored; of an animation the first frame is read. Lossless formats agree with Pillow on every
 * value, JPEG and lossy WebP to within the rounding of their decoders. Images in memory become RGB
 * by the same rules.
 *
 * <p>Input need not be trusted: the format is told by content and never by name, the size is
 * checked before any pixel is decoded, and whatever is wrong with a file surfaces as an {@link
 * ImageFormatException}. Instances are immutable and may be shared by threads.
 */
public final class ImageDecoder {

  /**
   * Width times height beyond which an image is refused unless {@link #withMaxPixels} says
   * otherwise: the size beyond which Pillow refuses one as a decompression bomb.
   */
  public static final long DEFAULT_MAX_PIXELS = 178_956_970L;

  /**
   * The length beyond which a file or stream is refused unless {@link #withMaxBytes} says
   * otherwise: 1 GiB, more than {@link #DEFAULT_MAX_PIXELS} take without compression.
   */
  public static final int DEFAULT_MAX_BYTES = 1 << 30;

  private static final int NO_BACKGROUND = -1;
  private static final ImageDecoder DEFAULT =
      new ImageDecoder(NO_BACKGROUND, DEFAULT_MAX_PIXELS, DEFAULT_MAX_BYTES, true, true);

  private final int background;
  private final long maxPixels;
  private final int maxBytes;
  private final boolean exifOrientation;
  private final boolean turboJpeg;

  private ImageDecoder(
      int background, long maxPixels, int maxBytes, boolean exifOrientation, boolean turboJpeg) {
    this.background = background;
    this.maxPixels = maxPixels;
    this.maxBytes = maxBytes;
    this.exifOrientation = exifOrientation;
    this.turboJpeg = turboJpeg;
  }

  /** The decoder behind the static methods, to derive others from. */
  public static ImageDecoder defaults() {
    return DEFAULT;
  }

  /**
   * Composites transparent images over a colour instead of dropping their transparency.
   *
   * @param rgb the colour as 0xRRGGBB, for example 0xFFFFFF for white
   */
  public ImageDecoder withBackground(int rgb) {
    if (rgb < 0 || rgb > 0xFFFFFF) {
      throw new IllegalArgumentException(
          "the background is a colour 0xRRGGBB from 0 to 0xFFFFFF, found 0x"
              + Integer.toHexString(rgb));
    }
    return new ImageDecoder(rgb, maxPixels, maxBytes, exifOrientation, turboJpeg);
  }

  /**
   * Sets how large an image may be.
   *
   * @param pixels the largest width times height, at least 1; decoding takes some 4 to 10 bytes of
   *     memory for each
   */
  public ImageDecoder withMaxPixels(long pixels) {
    // RgbImage holds three bytes a pixel in one array.
    if (pixels < 1 || pixels > Integer.MAX_VALUE / 3) {
      throw new IllegalArgumentException(
          "the limit is 1 to " + Integer.MAX_VALUE / 3 + " pixels, found " + pixels);
    }
    return new ImageDecoder(background, pixels, maxBytes, exifOrientation, turboJpeg);
  }

  /**
   * Sets how long a file or a stream may be.
   *
   * @param bytes the most that are read into memory, 1 to 2,000,000,000
   */
  public ImageDecoder withMaxBytes(int bytes) {
    if (bytes < 1 || bytes > 2_000_000_000) {
      throw new IllegalArgumentException("the limit is 1 to 2000000000 bytes, found " + bytes);
    }
    return new ImageDecoder(background, maxPixels, bytes, exifOrientation, turboJpeg);
  }

  /**
   * Says whether an image is turned upright as its EXIF data ask, which is the default. OpenCLIP
   * and transformers leave it as it is stored: {@code false} gives what they see. A TIFF file is
   * turned always; for it the orientation is part of the format, and Pillow applies it on its own.
   */
  public ImageDecoder withExifOrientation(boolean applied) {
    return new ImageDecoder(background, maxPixels, maxBytes, applied, turboJpeg);
  }

  /**
   * Says whether JPEG files are decoded by libjpeg-turbo where it is installed, which is the
   * default. Pixels are the same within one level either way; the JDK's own decoder is slower,
   * unless the JDK was itself built upon libjpeg-turbo, as Linux distributions do.
   *
   * <p>The library is TurboJPEG, of any version since 2.0: {@code libturbojpeg0} of Debian and
   * Ubuntu, {@code turbojpeg} of Fedora, {@code jpeg-turbo} of Homebrew. The system property {@code
   * org.clip4j.turbojpeg} names its file where it lies elsewhere; {@code off} leaves it alone.
   */
  public ImageDecoder withTurboJpeg(boolean allowed) {
    return new ImageDecoder(background, maxPixels, maxBytes, exifOrientation, allowed);
  }

  /** Whether libjpeg-turbo is installed, see {@link #withTurboJpeg}. */
  public static boolean hasTurboJpeg() {
    return TurboJpeg.isAvailable();
  }

  /**
   * Decodes a file, dropping transparency.
   *
   * @throws ImageFormatException if the content is not a whole image of a supported format
   * @throws IOException if the file is missing, is a folder or cannot be read
   */
  public static RgbImage decode(Path file) throws IOException {
    return DEFAULT.read(file);
  }

  /**
   * Decodes the content of a file, dropping transparency.
   *
   * @param data the whole encoded image; not modified
   * @param name says in messages which image it is
   * @throws ImageFormatException if the content is not a whole image of a supported format
   */
  public static RgbImage decode(byte[] data, String name) throws IOException {
    return DEFAULT.read(data, name);
  }

  /** As {@link #decode(Path)}, with the options of this decoder. */
  public RgbImage read(Path file) throws IOException {
    String name = file.toString();
    if (Files.isDirectory(file)) {
      throw new ImageFormatException(name, "is a folder, not an image file");
    }
    byte[] data;
    try (InputStream in = Files.newInputStream(file)) {
      data = readBytes(in, name);
    } catch (FileSystemException e) {
      throw IoErrors.worded(e);
    }
    return read(data, name);
  }

  /**
   * Decodes the content of a stream, which is read to its end and not closed.
   *
   * @param name says in messages which image it is
   */
  public RgbImage read(InputStream in, String name) throws IOException {
    return read(readBytes(in, name), name);
  }

  /**
   * Reads a stream to its end, without closing it.
   *
   * @param name says in messages which image it is
   * @throws ImageFormatException if it is longer than this decoder allows
   */
  public byte[] readBytes(InputStream in, String name) throws IOException {
    byte[] data;
    try {
      data = in.readNBytes(maxBytes + 1);
    } catch (IOException e) {
      throw new IOException(name + " cannot be read: " + IoErrors.message(e), e);
    }
    if (data.length > maxBytes) {
      String problem =
          "is longer than the "
              + maxBytes
              + " bytes allowed (ImageDecoder.withMaxBytes sets the limit)";
      throw new ImageFormatException(
          name, problem, new ImageFormatException.TooLargeException(problem));
    }
    return data;
  }

  /** As {@link #decode(byte[], String)}, with the options of this decoder. */
  public RgbImage read(byte[] data, String name) throws IOException {
    if (data.length == 0) {
      throw new ImageFormatException(name, "is empty");
    }
    ImageFormat format = ImageFormat.of(data);
    if (format == null) {
      throw new ImageFormatException(
          name,
          "is no PNG, JPEG, WebP, GIF, BMP or TIFF image: it holds " + ImageFormat.describe(data));
    }
    try {
      RgbImage stored =
          switch (format) {
            case JPEG -> JpegFile.decode(data, this::checkSize, turboJpeg);
            case PNG -> readFirst(format, PngFile.essence(data, this::checkSize));
            case GIF -> readGif(data);
            case WEBP -> readWebp(data);
            default -> readFirst(format, data);
          };
      boolean turned = exifOrientation || format == ImageFormat.TIFF;
      return turned ? Orientation.of(format, data).apply(stored) : stored;
    } catch (IOException | RuntimeException e) {
      // Reader plugins throw nearly anything on damaged input: unchecked exceptions are theirs.
      Throwable told = e instanceof UncheckedIOException ? e.getCause() : e;
      String reason = IoErrors.message(told);
      throw new ImageFormatException(
          name, "cannot be decoded as " + format.label() + ": " + reason, e);
    }
  }

  /**
   * Takes the pixels of an image of any type. Samples of gray, RGB and CMYK are taken as they are
   * stored, as those of a file are; other colour spaces, and samples in floating point, become sRGB
   * as the image's colour model says.
   *
   * @throws ImageFormatException if it is larger than allowed, or its samples make no colours
   */
  public RgbImage read(BufferedImage image) throws IOException {
    try {
      checkSize(image.getWidth(), image.getHeight());
      return new PixelConverter(background).toRgbOfAnyType(image);
    } catch (IOException | RuntimeException e) {
      String name = "the buffered image of " + image.getWidth() + " x " + image.getHeight();
      throw new ImageFormatException(name, "cannot be converted to RGB: " + IoErrors.message(e), e);
    }
  }

  /**
   * Takes the pixels of an image that one of DJL's image factories made.
   *
   * @throws ImageFormatException if it is larger than allowed, or does not give its pixels
   */
  public RgbImage read(Image image) throws IOException {
    if (image.getWrappedImage() instanceof BufferedImage buffered) {
      return read(buffered);
    }
    // Others, such as OpenCV's, hold pixels in a way of their own and give them away encoded.
    String name = "the DJL image of " + image.getWidth() + " x " + image.getHeight();
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    try {
      checkSize(image.getWidth(), image.getHeight());
      image.save(png, "png");
    } catch (IOException | RuntimeException e) {
      throw new ImageFormatException(
          name,
          "(" + image.getClass().getName() + ") does not give its pixels: " + IoErrors.message(e),
          e);
    }
    return read(png.toByteArray(), name);
  }

  /** Called with the size in the header, before anything is allocated for it. */
  private void checkSize(int width, int height) throws IOException {
    if (width < 1 || height < 1) {
      throw new IOException("it has " + width + " x " + height + " pixels");
    }
    if ((long) width * height > maxPixels) {
      throw new ImageFormatException.TooLargeException(
          "it has "
              + width
              + " x "
              + height
              + " pixels, which is more than the "
              + maxPixels
              + " allowed (ImageDecoder.withMaxPixels sets the limit)");
    }
  }

  private RgbImage readFirst(ImageFormat format, byte[] data) throws IOException {
    return new PixelConverter(background).toRgb(readImage(format, data));
  }

  /** The first frame may cover only a part of the picture. */
  private RgbImage readGif(byte[] data) throws IOException {
    GifCanvas canvas = GifCanvas.of(data);
    checkSize(canvas.width(), canvas.height());
    BufferedImage frame = readImage(ImageFormat.GIF, data);
    return canvas.place(frame, new PixelConverter(background));
  }

  private RgbImage readWebp(byte[] data) throws IOException {
    WebpFile file = WebpFile.of(data);
    if (file.isFrame()) {
      checkSize(file.canvasWidth(), file.canvasHeight());
    }
    PixelConverter converter = new PixelConverter(background);
    RgbImage picture;
    if (file.isLossy()) {
      picture = file.decodeLossy(this::checkSize);
      if (background >= 0 && file.hasAlpha()) {
        converter.composite(picture, file.decodeAlpha(picture.width(), picture.height()));
      }
    } else {
      picture = converter.toRgb(file.decodeLossless(this::checkSize));
    }
    return file.isFrame() ? file.place(picture, Math.max(0, background)) : picture;
  }

  private BufferedImage readImage(ImageFormat format, byte[] data) throws IOException {
    ImageReader reader = format.newReader();
    try (ImageInputStream in = stream(data)) {
      reader.setInput(in, true, true);
      checkSize(reader.getWidth(0), reader.getHeight(0));
      return reader.read(0);
    } finally {
      reader.dispose();
    }
  }

  /** A stream over the bytes that keeps nothing on disk. */
  private static ImageInputStream stream(byte[] data) {
    return new MemoryCacheImageInputStream(new ByteArrayInputStream(data));
  }
}
