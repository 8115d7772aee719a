package org.clip4j.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.clip4j.image.internal.SizeCheck;

/**
 * The chunks of a PNG file. The JDK's reader gets those that hold pixels and no others: it parses
 * text and profiles eagerly and fails on odd ones, and wants an end chunk that Pillow can spare.
 */
final class PngFile {

  /** Deflate cannot shrink data further than this. */
  private static final int DEFLATE_LIMIT = 1032;

  private static final int SIGNATURE = 8;
  private static final int HEADER = 33; // signature and IHDR

  /**
   * What the reader gets.
   *
   * @param essence the file with nothing but its header, palette, transparency and pixels
   * @param transparentGray the one level of 1 or 16 bits that is transparent, which the reader
   *     cannot tell; -1 for none
   */
  record Content(byte[] essence, int transparentGray) {}

  private PngFile() {}

  static Content of(byte[] data, SizeCheck sizeCheck) throws IOException {
    if (data.length < HEADER) {
      throw new IOException(
          "it is truncated: its header needs " + HEADER + " bytes, found " + data.length);
    }
    if (!type(data, SIGNATURE).equals("IHDR")) {
      throw new IOException("it does not begin with a header chunk");
    }
    int width = int32(data, 16);
    int height = int32(data, 20);
    int bits = Math.max(1, data[24]);
    int samples =
        switch (data[25]) {
          case 2 -> 3;
          case 4 -> 2;
          case 6 -> 4;
          default -> 1;
        };
    boolean oddGray = (bits == 1 || bits == 16) && data[25] == 0;
    int pixelBits = bits * samples;
    sizeCheck.check(width, height, 3 + (pixelBits + 7) / 8, 8 * DEFLATE_LIMIT / pixelBits);
    ByteArrayOutputStream out = new ByteArrayOutputStream(data.length);
    out.write(data, 0, HEADER);
    int at = HEADER;
    ByteArrayOutputStream pixels = new ByteArrayOutputStream(data.length);
    boolean found = false;
    int transparentGray = -1;
    while (at + 8 < data.length) {
      int length = int32(data, at);
      String type = type(data, at);
      if (length < 0) {
        throw new IOException(
            "its " + type + " chunk claims a length of " + (length & 0xFFFFFFFFL));
      }
      int body = (int) Math.min(length, data.length - at - 8L);
      if (type.equals("IDAT")) {
        found = true;
        pixels.write(data, at + 8, body);
      } else if (type.equals("tRNS") && oddGray) {
        transparentGray = body < 2 ? -1 : (data[at + 8] & 0xFF) << 8 | data[at + 9] & 0xFF;
      } else if (type.equals("PLTE") || type.equals("tRNS")) {
        chunk(out, type, Arrays.copyOfRange(data, at + 8, at + 8 + body));
      } else if (type.equals("IEND")) {
        break;
      }
      at = (int) Math.min(data.length, at + 12L + body);
    }
    if (!found) {
      throw new IOException("it is truncated: it ends before its pixels");
    }
    // In one chunk, as the reader takes long over many. What is cut short may hold all pixels
    // nevertheless: the reader sees to that.
    chunk(out, "IDAT", pixels.toByteArray());
    chunk(out, "IEND", new byte[0]);
    return new Content(out.toByteArray(), transparentGray);
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] body) {
    int32(out, body.length);
    out.writeBytes(type.getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(body);
    int32(out, 0); // the reader does not look at checksums, nor does Pillow for pixels
  }

  private static String type(byte[] data, int chunk) {
    return new String(data, chunk + 4, 4, StandardCharsets.ISO_8859_1);
  }

  private static int int32(byte[] data, int at) {
    return data[at] << 24
        | (data[at + 1] & 0xFF) << 16
        | (data[at + 2] & 0xFF) << 8
        | data[at + 3] & 0xFF;
  }

  private static void int32(ByteArrayOutputStream out, int v) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.write(v >> shift);
    }
  }
}
