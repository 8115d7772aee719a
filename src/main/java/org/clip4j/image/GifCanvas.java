package org.clip4j.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;

/**
 * The logical screen of a GIF, on which the first frame lies somewhere. What the frame leaves free
 * has the transparent colour of the frame if it has one, else the first of the palette, as in
 * Pillow.
 */
record GifCanvas(int width, int height, int left, int top) {

  /** Walks the blocks up to the first frame, and to its end. */
  static GifCanvas of(byte[] data) throws IOException {
    int at = 13;
    if (data.length > at && data[10] < 0) { // a global palette
      at += 3 << (data[10] & 7) + 1;
    }
    while (at < data.length && data[at] == 0x21) { // extensions
      at = afterSubBlocks(data, at + 2);
    }
    if (at + 10 >= data.length) {
      throw truncated(data);
    }
    if (data[at] != 0x2C) {
      throw new IOException("it has no frame");
    }
    int left = uint16(data, at + 1);
    int top = uint16(data, at + 3);
    int right = left + uint16(data, at + 5);
    int bottom = top + uint16(data, at + 7);
    int palette = data[at + 9] < 0 ? 3 << (data[at + 9] & 7) + 1 : 0;
    afterSubBlocks(data, at + 10 + palette + 1);
    // A frame that sticks out widens the picture.
    return new GifCanvas(
        Math.max(uint16(data, 6), right), Math.max(uint16(data, 8), bottom), left, top);
  }

  private static int afterSubBlocks(byte[] data, int at) throws IOException {
    while (at < data.length) {
      int length = data[at] & 0xFF;
      at += 1 + length;
      if (length == 0) {
        return at;
      }
    }
    throw truncated(data);
  }

  private static IOException truncated(byte[] data) {
    return new IOException("it is truncated: its first frame goes on after byte " + data.length);
  }

  /** The picture with the frame in its place. */
  RgbImage place(BufferedImage frame, PixelConverter converter) throws IOException {
    RgbImage part = converter.toRgb(frame);
    if (left == 0 && top == 0 && part.width() == width && part.height() == height) {
      return part;
    }
    if (!(frame.getColorModel() instanceof IndexColorModel palette)) {
      throw new IOException("a frame without a palette");
    }
    int free = converter.over(palette.getRGB(Math.max(0, palette.getTransparentPixel())));
    byte[] pixels = new byte[width * height * 3];
    for (int i = 0; i < pixels.length; i += 3) {
      pixels[i] = (byte) (free >> 16);
      pixels[i + 1] = (byte) (free >> 8);
      pixels[i + 2] = (byte) free;
    }
    RgbImage whole = new RgbImage(width, height, pixels);
    paste(part, whole, left, top);
    return whole;
  }

  /** Copies an image into a larger one that it fits into. */
  static void paste(RgbImage part, RgbImage whole, int left, int top) {
    int run = part.width() * 3;
    for (int y = 0; y < part.height(); y++) {
      int to = ((top + y) * whole.width() + left) * 3;
      System.arraycopy(part.pixels(), y * run, whole.pixels(), to, run);
    }
  }

  private static int uint16(byte[] data, int at) {
    return data[at] & 0xFF | (data[at + 1] & 0xFF) << 8;
  }
}
