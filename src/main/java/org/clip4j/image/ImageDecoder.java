package org.clip4j.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes PNG, JPEG, WebP, GIF, BMP and TIFF to the 8-bit RGB that Pillow's {@code
 * Image.open(file).convert("RGB")} gives, which is what CLIP models were trained on.
 *
 * <p>In particular: gray becomes r = g = b = v; 16-bit colour keeps its high byte; 16-bit gray is
 * clipped at 255; CMYK is converted by arithmetic; transparency is dropped, so that the colour
 * stored under it shows, unless a background is set; embedded colour profiles, gamma and the EXIF
 * orientation are ignored; of an animation the first frame is read. Lossless formats agree with
 * Pillow on every value, JPEG and lossy WebP to within the rounding of their decoders.
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

  private static final int NO_BACKGROUND = -1;
  private static final ImageDecoder DEFAULT = new ImageDecoder(NO_BACKGROUND, DEFAULT_MAX_PIXELS);

  private final int background;
  private final long maxPixels;

  private ImageDecoder(int background, long maxPixels) {
    this.background = background;
    this.maxPixels = maxPixels;
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
    return new ImageDecoder(rgb, maxPixels);
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
    return new ImageDecoder(background, pixels);
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
    if (Files.isDirectory(file)) {
      throw new ImageFormatException(file.toString(), "is a folder, not an image file");
    }
    byte[] data;
    try {
      data = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      NoSuchFileException missing = new NoSuchFileException(file + " does not exist");
      missing.initCause(e);
      throw missing;
    }
    return read(data, file.toString());
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
      return switch (format) {
        case JPEG -> JpegFile.decode(data, this::checkSize);
        case PNG -> readFirst(format, PngFile.essence(data, this::checkSize));
        case GIF -> readGif(data);
        case WEBP -> readWebp(data);
        default -> readFirst(format, data);
      };
    } catch (IOException | RuntimeException e) {
      // Reader plugins throw nearly anything on damaged input: unchecked exceptions are theirs.
      Throwable told = e instanceof UncheckedIOException ? e.getCause() : e;
      String reason =
          told.getMessage() == null ? told.getClass().getSimpleName() : told.getMessage();
      throw new ImageFormatException(
          name, "cannot be decoded as " + format.label() + ": " + reason, e);
    }
  }

  /** Called with the size in the header, before anything is allocated for it. */
  private void checkSize(int width, int height) throws IOException {
    if (width < 1 || height < 1) {
      throw new IOException("its header says " + width + " x " + height + " pixels");
    }
    if ((long) width * height > maxPixels) {
      throw new IOException(
          "its header says "
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
