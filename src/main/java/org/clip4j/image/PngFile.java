package org.clip4j.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The chunks of a PNG file. The JDK's reader gets those that hold pixels and no others: it parses
 * text and profiles eagerly and fails on odd ones, and wants an end chunk that Pillow can spare.
 */
final class PngFile {

  /** Deflate cannot shrink data further than this. */
  private static final int DEFLATE_LIMIT = 1032;

  private static final int SIGNATURE = 8;
  private static final int HEADER = 33; // signature and IHDR

  private PngFile() {}

  /** The file with nothing but its header, palette, transparency and pixels. */
  static byte[] essence(byte[] data, SizeCheck sizeCheck) throws IOException {
    if (data.length < HEADER) {
      throw new IOException(
          "it is truncated: its header needs " + HEADER + " bytes, found " + data.length);
    }
    if (!type(data, SIGNATURE).equals("IHDR")) {
      throw new IOException("it does not begin with a header chunk");
    }
    int width = int32(data, 16);
    int height = int32(data, 20);
    sizeCheck.check(width, height);
    checkPlausible(data, width, height);
    ByteArrayOutputStream out = new ByteArrayOutputStream(data.length);
    out.write(data, 0, HEADER);
    int at = HEADER;
    boolean pixels = false;
    while (at + 8 < data.length) {
      int length = int32(data, at);
      String type = type(data, at);
      if (length < 0) {
        throw new IOException(
            "its " + type + " chunk claims a length of " + (length & 0xFFFFFFFFL));
      }
      int body = (int) Math.min(length, data.length - at - 8L);
      switch (type) {
        case "PLTE", "tRNS", "IDAT" -> {
          pixels |= type.equals("IDAT");
          // What is cut short may hold all pixels nevertheless: the reader sees to that.
          int32(out, body);
          out.write(data, at + 4, 4 + body);
          int32(out, 0); // the reader does not look at checksums, nor does Pillow for pixels
        }
        case "IEND" -> body = data.length - at;
        default -> {
          // Text, profiles, times: of no use here.
        }
      }
      at = (int) Math.min(data.length, at + 12L + body);
    }
    if (!pixels) {
      throw new IOException("it is truncated: it ends before its pixels");
    }
    int32(out, 0);
    out.writeBytes("IEND".getBytes(StandardCharsets.ISO_8859_1));
    int32(out, 0);
    return out.toByteArray();
  }

  /** A file far too small for the size in its header must not make anyone allocate for it. */
  private static void checkPlausible(byte[] data, int width, int height) throws IOException {
    int samples =
        switch (data[25]) {
          case 2 -> 3;
          case 4 -> 2;
          case 6 -> 4;
          default -> 1;
        };
    double least = (double) width * height * data[24] * samples / 8 / DEFLATE_LIMIT;
    if (least > data.length) {
      throw new IOException(
          "it is truncated: "
              + width
              + " x "
              + height
              + " pixels cannot be held by a file of "
              + data.length
              + " bytes");
    }
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
