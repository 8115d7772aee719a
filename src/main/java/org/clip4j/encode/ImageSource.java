package org.clip4j.encode;

import ai.djl.modality.cv.Image;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Objects;
import org.clip4j.image.ImageDecoder;
import org.clip4j.image.RgbImage;

/**
 * Gives an image that can be read, perhaps more than once. Implementations are safe for use by
 * several threads.
 *
 * <p>{@code of} makes one of a file, of encoded bytes or a stream of them, or of an image in
 * memory. Each also takes an {@link ImageDecoder}, which says how large the image may be and what
 * becomes of its transparency and EXIF orientation; without one, it is {@link
 * ImageDecoder#defaults()}.
 */
public interface ImageSource {

  /**
   * Returns what an error message calls this image: a file name, or a position in a generated set.
   */
  String name();

  /**
   * Reads and decodes the image.
   *
   * @throws IOException if it cannot be read or decoded; the message names it
   */
  RgbImage read() throws IOException;

  /** Makes a source of an image file, which is opened whenever it is read. */
  static ImageSource of(Path file) {
    return of(file, ImageDecoder.defaults());
  }

  /** Makes a source as {@link #of(Path)} does, with options for decoding. */
  static ImageSource of(Path file, ImageDecoder decoder) {
    return new ImageFile(null, null, file, decoder);
  }

  /**
   * Makes a source of the content of an image file.
   *
   * @param data the whole encoded image; not copied, so do not modify it
   * @param name says in messages which image it is
   */
  static ImageSource of(byte[] data, String name) {
    return of(data, name, ImageDecoder.defaults());
  }

  /** Makes a source as {@link #of(byte[], String)} does, with options for decoding. */
  static ImageSource of(byte[] data, String name, ImageDecoder decoder) {
    Objects.requireNonNull(data, "data");
    return new ImageInMemory(name, () -> decoder.read(data, name));
  }

  /**
   * Makes a source of a stream of the content of an image file. It is read to its end at once, so
   * that the image can be read more than once, and not closed: that is up to the caller.
   *
   * @param name says in messages which image it is
   * @throws IOException if the stream fails, or is longer than {@link ImageDecoder#withMaxBytes}
   *     allows; the message names the image
   */
  static ImageSource of(InputStream in, String name) throws IOException {
    return of(in, name, ImageDecoder.defaults());
  }

  /** Makes a source as {@link #of(InputStream, String)} does, with options for decoding. */
  static ImageSource of(InputStream in, String name, ImageDecoder decoder) throws IOException {
    return of(decoder.readBytes(in, name), name, decoder);
  }

  /**
   * Makes a source of an image in memory, of any type.
   *
   * @param image not copied, so do not draw on it
   */
  static ImageSource of(BufferedImage image) {
    return of(image, ImageDecoder.defaults());
  }

  /**
   * Makes a source as {@link #of(BufferedImage)} does; the decoder's background and limit of pixels
   * apply.
   */
  static ImageSource of(BufferedImage image, ImageDecoder decoder) {
    String size = image.getWidth() + " x " + image.getHeight();
    return new ImageInMemory("the buffered image of " + size, () -> decoder.read(image));
  }

  /**
   * Makes a source of a DJL image, from any of DJL's image factories. What those have not kept,
   * such as the EXIF orientation of a file, is not known here.
   *
   * @param image not copied, so do not draw on it
   */
  static ImageSource of(Image image) {
    return of(image, ImageDecoder.defaults());
  }

  /**
   * Makes a source as {@link #of(Image)} does; the decoder's background and limit of pixels apply.
   */
  static ImageSource of(Image image, ImageDecoder decoder) {
    String size = image.getWidth() + " x " + image.getHeight();
    return new ImageInMemory("the DJL image of " + size, () -> decoder.read(image));
  }

  /** Makes a source of an image that is decoded already. */
  static ImageSource of(RgbImage image) {
    String size = image.width() + " x " + image.height();
    return new ImageInMemory("the RGB image of " + size, () -> image);
  }
}
