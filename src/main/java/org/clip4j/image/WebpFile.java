package org.clip4j.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;

/**
 * The chunks of a WebP file. The reader gets a file rebuilt from the first picture alone: it would
 * convert an embedded colour profile, and does not see that a chunk is cut short.
 */
final class WebpFile {

  private static final int ALPHA_FLAG = 0x10;

  private final byte[] data;
  private int alpha = -1;
  private int picture = -1;
  private int canvasWidth;
  private int canvasHeight;
  private boolean frame;
  private int left;
  private int top;

  private WebpFile(byte[] data) {
    this.data = data;
  }

  /** Finds the first picture and checks that all of it is there. */
  static WebpFile of(byte[] data) throws IOException {
    WebpFile file = new WebpFile(data);
    file.walk(12, data.length);
    if (file.picture < 0) {
      throw new IOException("it is truncated: it has no picture");
    }
    return file;
  }

  /** Whether the picture is the first frame of an animation, somewhere on a canvas. */
  boolean isFrame() {
    return frame;
  }

  int canvasWidth() {
    return canvasWidth;
  }

  int canvasHeight() {
    return canvasHeight;
  }

  /**
   * A still WebP of the first picture.
   *
   * @param withAlpha keeps the alpha of a lossy picture, which has a chunk of its own
   */
  byte[] still(boolean withAlpha) throws IOException {
    boolean keep = withAlpha && alpha >= 0;
    ByteArrayOutputStream out = new ByteArrayOutputStream(data.length + 30);
    ascii(out, "RIFF");
    int32(out, 4 + chunkSize(picture) + (keep ? 18 + chunkSize(alpha) : 0));
    ascii(out, "WEBP");
    if (keep) {
      if (int32(picture + 4) < 10) {
        throw new IOException("its VP8 chunk is too short");
      }
      ascii(out, "VP8X");
      int32(out, 10);
      int32(out, ALPHA_FLAG);
      // The size in the key frame's header: 14 bits each, after a tag and a start code.
      int24(out, (int24(picture + 14) & 0x3FFF) - 1);
      int24(out, (int24(picture + 16) & 0x3FFF) - 1);
      chunk(out, alpha);
    }
    chunk(out, picture);
    return out.toByteArray();
  }

  /** The canvas in one colour, with the first frame in its place. */
  RgbImage place(RgbImage part, int color) throws IOException {
    if (left + part.width() > canvasWidth || top + part.height() > canvasHeight) {
      throw new IOException("its first frame does not lie on its canvas");
    }
    byte[] pixels = new byte[canvasWidth * canvasHeight * 3];
    for (int i = 0; i < pixels.length; i += 3) {
      pixels[i] = (byte) (color >> 16);
      pixels[i + 1] = (byte) (color >> 8);
      pixels[i + 2] = (byte) color;
    }
    RgbImage whole = new RgbImage(canvasWidth, canvasHeight, pixels);
    GifCanvas.paste(part, whole, left, top);
    return whole;
  }

  private void walk(int at, int limit) throws IOException {
    while (at + 8 <= limit && picture < 0) {
      String type = new String(data, at, 4, java.nio.charset.StandardCharsets.ISO_8859_1);
      long length = int32(at + 4) & 0xFFFFFFFFL;
      if (at + 8 + length > limit) {
        throw new IOException(
            "it is truncated: its "
                + type.strip()
                + " chunk needs "
                + length
                + " bytes, "
                + (limit - at - 8)
                + " are left");
      }
      switch (type) {
        case "VP8 ", "VP8L" -> picture = at;
        case "ALPH" -> alpha = at;
        case "VP8X" -> {
          if (length < 10) {
            throw new IOException("its VP8X chunk is too short");
          }
          canvasWidth = int24(at + 12) + 1;
          canvasHeight = int24(at + 15) + 1;
        }
        case "ANMF" -> {
          if (length < 24) {
            throw new IOException("its ANMF chunk is too short");
          }
          frame = true;
          left = 2 * int24(at + 8);
          top = 2 * int24(at + 11);
          walk(at + 24, (int) (at + 8 + length));
        }
        default -> {
          // Profiles and metadata are of no use here.
        }
      }
      at = (int) Math.min(limit, at + 8 + length + (length & 1));
    }
  }

  private int chunkSize(int at) {
    int length = int32(at + 4);
    return 8 + length + (length & 1);
  }

  private void chunk(ByteArrayOutputStream out, int at) {
    int length = int32(at + 4);
    out.write(data, at, 8 + length);
    if ((length & 1) != 0) {
      out.write(0);
    }
  }

  private int int24(int at) {
    return data[at] & 0xFF | (data[at + 1] & 0xFF) << 8 | (data[at + 2] & 0xFF) << 16;
  }

  private int int32(int at) {
    return int24(at) | data[at + 3] << 24;
  }

  private static void ascii(ByteArrayOutputStream out, String text) {
    for (int i = 0; i < text.length(); i++) {
      out.write(text.charAt(i));
    }
  }

  private static void int24(ByteArrayOutputStream out, int v) {
    out.write(v);
    out.write(v >> 8);
    out.write(v >> 16);
  }

  private static void int32(ByteArrayOutputStream out, int v) {
    int24(out, v);
    out.write(v >> 24);
  }
}
