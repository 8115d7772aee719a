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
import org.clip4j.image.internal.PixelConverter;
import org.clip4j.image.internal.Pixels;
import org.clip4j.image.internal.SizeCheck;
import org.clip4j.image.internal.jpeg.JpegFile;
import org.clip4j.image.internal.webp.WebpFile;
import org.clip4j.io.FileNames;
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

  /** The longest side of an image: what JPEG and GIF can say. */
  private static final int MAX_SIDE = 65_535;

  /** What a file may ask for however short it is; beyond, its length must make it likely. */
  private static final long FREE_PIXELS = 1 << 24;

  /** In bytes; reading a stream to its end takes twice what it holds. */
  private static final int MOST_OF_HEAP =
      (int) Math.min(2_000_000_000, Runtime.getRuntime().maxMemory() / 4);

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

  /** Returns the decoder behind the static methods, to derive others from. */
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
   * Sets whether an image is turned upright as its EXIF data ask, which is the default. OpenCLIP
   * and transformers leave it as it is stored: {@code false} gives what they see. A TIFF file is
   * turned always; for it the orientation is part of the format, and Pillow applies it on its own.
   */
  public ImageDecoder withExifOrientation(boolean applied) {
    return new ImageDecoder(background, maxPixels, maxBytes, applied, turboJpeg);
  }

  /**
   * Sets whether JPEG files are decoded by libjpeg-turbo where it is installed, which is the
   * default. Pixels are the same within one level either way; the JDK's own decoder is slower,
   * unless the JDK was itself built upon libjpeg-turbo, as Linux distributions do.
   *
   * <p>The library is TurboJPEG, of any version since 2.0: {@code libturbojpeg0} of Debian and
   * Ubuntu, {@code turbojpeg} of Fedora, {@code jpeg-turbo} of Homebrew. The system property {@code
   * org.clip4j.turbojpeg} names its file where it lies elsewhere; {@code off} leaves it alone.
   * Where it is not installed, the jar {@code org.bytedeco:leptonica} of the platform serves in its
   * place if it is on the class path.
   */
  public ImageDecoder withTurboJpeg(boolean allowed) {
    return new ImageDecoder(background, maxPixels, maxBytes, exifOrientation, allowed);
  }

  /**
   * Returns whether libjpeg-turbo is installed or on the class path, see {@link #withTurboJpeg}.
   */
  public static boolean hasTurboJpeg() {
    return JpegFile.hasTurbo();
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

  /** Decodes as {@link #decode(Path)} does, with the options of this decoder. */
  public RgbImage read(Path file) throws IOException {
    String name = FileNames.text(file);
    if (Files.isDirectory(file)) {
      throw new ImageFormatException(name, "is a folder, not an image file");
    }
    byte[] data;
    try (InputStream in = Files.newInputStream(file)) {
      checkLength(Files.size(file), name); // before any of it is read
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
   * @throws ImageFormatException if it is longer than this decoder allows, or than a quarter of the
   *     heap
   */
  public byte[] readBytes(InputStream in, String name) throws IOException {
    byte[] data;
    try {
      data = in.readNBytes(Math.min(maxBytes, MOST_OF_HEAP) + 1);
    } catch (IOException e) {
      throw new IOException(name + " cannot be read: " + IoErrors.message(e), e);
    } catch (OutOfMemoryError e) {
      throw new ImageFormatException(name, "cannot be read: " + outOfMemory(), e);
    }
    checkLength(data.length, name);
    return data;
  }

  private void checkLength(long length, String name) throws ImageFormatException {
    if (length <= Math.min(maxBytes, MOST_OF_HEAP)) {
      return;
    }
    String problem =
        length > maxBytes
            ? "is longer than the "
                + maxBytes
                + " bytes allowed (ImageDecoder.withMaxBytes sets the limit)"
            : "is longer than the "
                + MOST_OF_HEAP
                + " bytes that an image may have of the heap, a quarter of it (-Xmx sets it)";
    throw new ImageFormatException(
        name, problem, new ImageFormatException.TooLargeException(problem));
  }

  /** Decodes as {@link #decode(byte[], String)} does, with the options of this decoder. */
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
    try (Reservation memory = new Reservation()) {
      SizeCheck sizeCheck = sizeCheck(data.length, memory);
      Pixels stored =
          switch (format) {
            case JPEG -> JpegFile.decode(data, sizeCheck, turboJpeg);
            case PNG -> readPng(data, sizeCheck);
            case GIF -> readGif(data, sizeCheck);
            case WEBP -> WebpFile.decode(data, background, sizeCheck);
            case BMP -> readFirst(format, BmpFile.essence(data, sizeCheck), converter());
            case TIFF -> readTiff(data, sizeCheck);
          };
      boolean turned = exifOrientation || format == ImageFormat.TIFF;
      RgbImage image = image(stored);
      return turned ? OrientationReader.read(format, data).apply(image) : image;
    } catch (IOException | RuntimeException | OutOfMemoryError | StackOverflowError e) {
      // Reader plugins throw nearly anything on damaged input: unchecked exceptions are theirs.
      Throwable told = e instanceof UncheckedIOException ? e.getCause() : e;
      String reason = e instanceof OutOfMemoryError ? outOfMemory() : IoErrors.message(told);
      throw new ImageFormatException(
          name, "cannot be decoded as " + format.label() + ": " + reason, e);
    }
  }

  private static String outOfMemory() {
    return "it takes more memory than there is left of the heap of "
        + (Runtime.getRuntime().maxMemory() >> 20)
        + " MiB (-Xmx sets it)";
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
      return image(converter().toRgbOfAnyType(image));
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

  private SizeCheck sizeCheck(int length, Reservation memory) {
    return (width, height, bytesPerPixel, pixelsPerByte) -> {
      checkSize(width, height);
      long pixels = (long) width * height;
      if (pixels > FREE_PIXELS && pixels / Math.max(1, pixelsPerByte) > length) {
        throw new IOException(
            "it is truncated: "
                + (width + " x " + height)
                + " pixels cannot be held by a file of "
                + length
                + " bytes");
      }
      // The reader's copy of the file, and its stream's.
      long bytes = pixels * bytesPerPixel + 2L * length;
      if (!memory.take(bytes)) {
        throw new ImageFormatException.TooLargeException(
            "it has "
                + (width + " x " + height)
                + " pixels, for which decoding takes "
                + (bytes >> 20)
                + " MiB of memory, more than the "
                + Reservation.ALL
                + " MiB that images may take of the heap (-Xmx sets it)");
      }
    };
  }

  private void checkSize(int width, int height) throws IOException {
    String size = "it has " + width + " x " + height + " pixels";
    if (width < 1 || height < 1) {
      throw new IOException(size);
    }
    if ((long) width * height > maxPixels) {
      throw new ImageFormatException.TooLargeException(
          size
              + ", which is more than the "
              + maxPixels
              + " allowed (ImageDecoder.withMaxPixels sets the limit)");
    }
    if (Math.max(width, height) > MAX_SIDE) {
      throw new ImageFormatException.TooLargeException(
          size + "; no side may have more than " + MAX_SIDE);
    }
  }

  private PixelConverter converter() {
    return new PixelConverter(background);
  }

  private static RgbImage image(Pixels pixels) {
    return new RgbImage(pixels.width(), pixels.height(), pixels.rgb());
  }

  private static Pixels readFirst(ImageFormat format, byte[] data, PixelConverter converter)
      throws IOException {
    return converter.toRgb(readImage(format, data));
  }

  private Pixels readPng(byte[] data, SizeCheck sizeCheck) throws IOException {
    PngFile.Content png = PngFile.of(data, sizeCheck);
    PixelConverter converter = new PixelConverter(background, false, true, png.transparentGray());
    return readFirst(ImageFormat.PNG, png.essence(), converter);
  }

  private Pixels readTiff(byte[] data, SizeCheck sizeCheck) throws IOException {
    TiffFile file = TiffFile.of(data, sizeCheck);
    return file.toRgb(readImage(ImageFormat.TIFF, file.essence()), background);
  }

  /** The first frame may cover only a part of the picture. */
  private Pixels readGif(byte[] data, SizeCheck sizeCheck) throws IOException {
    GifCanvas canvas = GifCanvas.of(data, sizeCheck);
    return canvas.place(readImage(ImageFormat.GIF, canvas.essence()), converter());
  }

  private static BufferedImage readImage(ImageFormat format, byte[] data) throws IOException {
    ImageReader reader = format.newReader();
    try (ImageInputStream in = stream(data)) {
      reader.setInput(in, true, true);
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
