package org.clip4j.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.clip4j.image.internal.SizeCheck;

/** The header of a BMP file, whose claims the reader would believe. */
final class BmpFile {
  private static final int LEAST = 26;

  /** Where fields lie in the file. */
  private static final int FILE_SIZE = 2;

  private static final int PIXELS = 10;
  private static final int HEADER_SIZE = 14;
  private static final int COMPRESSION = 30;
  private static final int IMAGE_SIZE = 34;
  private static final int COLOR_SPACE = 70;

  private static final int OS2_HEADER = 12;
  private static final int INFO_HEADER = 40;
  private static final int V4_HEADER = 108;
  private static final int RLE8 = 1;
  private static final int RLE4 = 2;
  private static final int SRGB = 0x73524742;

  private BmpFile() {}

  /** The file with true sizes in its header, and without a colour profile. */
  static byte[] essence(byte[] data, SizeCheck sizeCheck) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    int header = data.length < LEAST ? 0 : in.getInt(HEADER_SIZE);
    if (header < OS2_HEADER || header > data.length - HEADER_SIZE) {
      throw new IOException("it is truncated: its header goes on after byte " + data.length);
    }
    boolean old = header < INFO_HEADER;
    int width = old ? in.getShort(18) & 0xFFFF : in.getInt(18);
    int height = old ? in.getShort(20) & 0xFFFF : Math.abs(in.getInt(22));
    int bits = in.getShort(old ? 24 : 28) & 0xFFFF;
    int compression = old ? 0 : in.getInt(COMPRESSION);
    if (compression < 0 || compression > 3) {
      throw new IOException(
          "its compression ("
              + compression
              + (compression == 4 ? ", a JPEG image" : compression == 5 ? ", a PNG image" : "")
              + ") is not supported; none, RLE and bit fields are");
    }
    boolean runs = compression == RLE8 || compression == RLE4;
    sizeCheck.check(width, height, 3 + Math.max(1, bits / 8), SizeCheck.UNIFORM);
    long start = in.getInt(PIXELS) & 0xFFFFFFFFL;
    long needed = runs ? 0 : ((long) width * bits + 31) / 32 * 4 * height;
    if (start + needed > data.length) {
      throw new IOException(
          "it is truncated: its pixels need "
              + needed
              + " bytes, "
              + Math.max(0, data.length - start)
              + " are left");
    }
    long left = data.length - start;
    long claimed = old || !runs ? 0 : in.getInt(IMAGE_SIZE) & 0xFFFFFFFFL;
    if (claimed > left) {
      throw new IOException(
          "it is truncated: its runs need " + claimed + " bytes, " + left + " are left");
    }
    byte[] bytes = data.clone();
    ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(FILE_SIZE, data.length);
    if (!old) {
      out.putInt(IMAGE_SIZE, (int) left);
    }
    if (header >= V4_HEADER) {
      out.putInt(COLOR_SPACE, SRGB);
    }
    return bytes;
  }
}
