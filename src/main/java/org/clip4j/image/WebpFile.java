package org.clip4j.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The chunks of a WebP file: its first picture, where that lies on the canvas, and its alpha.
 *
 * <p>The decoders are our own, as the plugin at hand (TwelveMonkeys 3.13.1) repeats chroma and
 * predicts from filtered samples in the lossy format, and gets single pixels of the lossless one
 * wrong.
 */
final class WebpFile {

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

  /** Whether the picture is lossy: VP8. Otherwise it is VP8L. */
  boolean isLossy() {
    return data[picture + 3] == ' ';
  }

  RgbImage decodeLossy(SizeCheck sizeCheck) throws IOException {
    return Vp8Frame.decode(data, picture + 8, picture + 8 + int32(picture + 4), sizeCheck);
  }

  Vp8lFrame.Pixels decodeLossless(SizeCheck sizeCheck) throws IOException {
    return Vp8lFrame.decode(data, picture + 8, picture + 8 + int32(picture + 4), sizeCheck);
  }

  /** Whether a lossy picture has alpha, in a chunk of its own. */
  boolean hasAlpha() {
    return alpha >= 0;
  }

  /** The alpha of a lossy picture, a byte per pixel. */
  byte[] decodeAlpha(int width, int height) throws IOException {
    int from = alpha + 9;
    int end = alpha + 8 + int32(alpha + 4);
    byte[] values = new byte[width * height];
    int compression = from > end ? -1 : data[alpha + 8] & 3;
    if (compression == 0 && end - from >= values.length) {
      System.arraycopy(data, from, values, 0, values.length);
    } else if (compression == 1) {
      int[] argb = Vp8lFrame.decodeBare(data, from, end, width, height);
      for (int i = 0; i < values.length; i++) {
        values[i] = (byte) (argb[i] >> 8); // alpha travels as green
      }
    } else {
      throw new IOException("its ALPH chunk is damaged");
    }
    unfilterAlpha(values, width);
    return values;
  }

  /** Undoes the prediction of alpha from its neighbours, in place. */
  private void unfilterAlpha(byte[] values, int width) {
    int filter = data[alpha + 8] >> 2 & 3;
    for (int i = 1; filter != 0 && i < values.length; i++) {
      int x = i % width;
      int left = x > 0 ? values[i - 1] & 0xFF : 0;
      int above = i >= width ? values[i - width] & 0xFF : 0;
      int prediction;
      if (i < width) {
        prediction = left;
      } else if (x == 0 || filter == 2) {
        prediction = above;
      } else if (filter == 1) {
        prediction = left;
      } else {
        int corner = values[i - width - 1] & 0xFF;
        prediction = Math.max(0, Math.min(255, left + above - corner));
      }
      values[i] += (byte) prediction;
    }
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
      String type = new String(data, at, 4, StandardCharsets.ISO_8859_1);
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
          if (length < 24 || frame) { // frames in frames would let a file choose our stack's depth
            throw new IOException("its ANMF chunk is damaged");
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

  private int int24(int at) {
    return data[at] & 0xFF | (data[at + 1] & 0xFF) << 8 | (data[at + 2] & 0xFF) << 16;
  }

  private int int32(int at) {
    return int24(at) | data[at + 3] << 24;
  }
}
