package org.clip4j.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.clip4j.image.internal.PixelConverter;
import org.clip4j.image.internal.Pixels;
import org.clip4j.image.internal.SizeCheck;

/**
 * The logical screen of a GIF, on which the first frame lies somewhere. What the frame leaves free
 * has the transparent colour of the frame if it has one, else the first of the palette, as in
 * Pillow.
 *
 * @param essence a file of the first frame alone, as the reader gets it: with a palette for every
 *     index, and nothing else that could hold it up
 */
record GifCanvas(int width, int height, int left, int top, byte[] essence) {

  /** A code of 12 bits names at most 3,840 pixels. */
  private static final int PIXELS_PER_BYTE = 2560;

  private static final int SCREEN = 13;
  private static final int COLORS = 256;
  private static final int LONGEST_BLOCK = 255;

  /** Walks the blocks up to the first frame, and to its end. */
  static GifCanvas of(byte[] data, SizeCheck sizeCheck) throws IOException {
    if (data.length < SCREEN) {
      throw truncated(data);
    }
    byte[] palette = new byte[3 * COLORS];
    for (int i = 0; i < palette.length; i++) {
      palette[i] = (byte) (i / 3); // gray where there is no palette
    }
    int at = takePalette(data, SCREEN, data[10], palette);
    int transparent = -1;
    while (at < data.length && data[at] != 0x2C) {
      if (data[at] == 0x3B) {
        throw new IOException("it has no frame");
      }
      if (data[at] != 0x21) {
        at++; // a stray byte, which decoders pass over
        continue;
      }
      boolean control = at + 6 < data.length && data[at + 1] == (byte) 0xF9 && data[at + 2] >= 4;
      if (control && (data[at + 3] & 1) != 0) {
        transparent = data[at + 6] & 0xFF;
      }
      at = blocks(data, at + 2, null);
    }
    if (at + 10 >= data.length) {
      throw truncated(data);
    }
    int left = uint16(data, at + 1);
    int top = uint16(data, at + 3);
    int frameWidth = uint16(data, at + 5);
    int frameHeight = uint16(data, at + 7);
    byte flags = data[at + 9];
    // A frame that sticks out widens the picture.
    int width = Math.max(uint16(data, 6), left + frameWidth);
    int height = Math.max(uint16(data, 8), top + frameHeight);
    sizeCheck.check(width, height, 7, PIXELS_PER_BYTE);
    at = takePalette(data, at + 10, flags, palette);
    if (at >= data.length) {
      throw truncated(data);
    }
    ByteArrayOutputStream codes = new ByteArrayOutputStream(data.length - at);
    blocks(data, at + 1, codes);
    byte[] essence =
        essence(frameWidth, frameHeight, palette, transparent, flags & 0x40, data[at], codes);
    return new GifCanvas(width, height, left, top, essence);
  }

  /**
   * Takes the palette that lies there if the flags say so. What it leaves out is black; one of
   * grays in order is none, so that a global palette stays, as in Pillow.
   */
  private static int takePalette(byte[] data, int at, byte flags, byte[] palette)
      throws IOException {
    int length = flags < 0 ? 3 << (flags & 7) + 1 : 0;
    if (at + length > data.length) {
      throw truncated(data);
    }
    boolean gray = true;
    for (int i = 0; i < length; i++) {
      gray &= data[at + i] == (byte) (i / 3);
    }
    if (!gray) {
      Arrays.fill(palette, (byte) 0);
      System.arraycopy(data, at, palette, 0, length);
    }
    return at + length;
  }

  private static byte[] essence(
      int width,
      int height,
      byte[] palette,
      int transparent,
      int interlaced,
      int codeSize,
      ByteArrayOutputStream codes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(codes.size() + codes.size() / 200 + 900);
    out.writeBytes("GIF89a".getBytes(StandardCharsets.ISO_8859_1));
    uint16(out, width);
    uint16(out, height);
    out.writeBytes(new byte[] {(byte) 0xF7, 0, 0});
    out.writeBytes(palette);
    if (transparent >= 0) {
      out.writeBytes(new byte[] {0x21, (byte) 0xF9, 4, 1, 0, 0, (byte) transparent, 0});
    }
    out.writeBytes(new byte[] {0x2C, 0, 0, 0, 0});
    uint16(out, width);
    uint16(out, height);
    out.write(interlaced);
    out.write(codeSize);
    byte[] all = codes.toByteArray();
    for (int at = 0; at < all.length; at += LONGEST_BLOCK) {
      int length = Math.min(LONGEST_BLOCK, all.length - at);
      out.write(length);
      out.write(all, at, length);
    }
    out.write(0);
    out.write(0x3B);
    return out.toByteArray();
  }

  /** Goes to the end of the blocks that begin there, gathering what they hold if asked to. */
  private static int blocks(byte[] data, int from, ByteArrayOutputStream content)
      throws IOException {
    int at = from;
    while (at < data.length) {
      int length = data[at] & 0xFF;
      if (content != null) {
        content.write(data, at + 1, Math.min(length, data.length - at - 1));
      }
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
  Pixels place(BufferedImage frame, PixelConverter converter) throws IOException {
    Pixels part = converter.toRgb(frame);
    if (left == 0 && top == 0 && part.width() == width && part.height() == height) {
      return part;
    }
    if (!(frame.getColorModel() instanceof IndexColorModel palette)) {
      throw new IOException("a frame without a palette");
    }
    int free = converter.over(palette.getRGB(Math.max(0, palette.getTransparentPixel())));
    return part.placed(width, height, left, top, free);
  }

  private static int uint16(byte[] data, int at) {
    return data[at] & 0xFF | (data[at + 1] & 0xFF) << 8;
  }

  private static void uint16(ByteArrayOutputStream out, int value) {
    out.write(value);
    out.write(value >> 8);
  }
}
