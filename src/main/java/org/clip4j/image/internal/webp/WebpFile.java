package org.clip4j.image.internal.webp;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.clip4j.image.internal.PixelConverter;
import org.clip4j.image.internal.Pixels;
import org.clip4j.image.internal.SizeCheck;

/**
 * The chunks of a WebP file: its first picture, where that lies on the canvas, and its alpha.
 *
 * <p>The decoders are our own and in Java, since images come from strangers (docs/decisions.md says
 * why other readers are not used).
 */
public final class WebpFile {

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

  /**
   * Decodes the first picture.
   *
   * @param background 0xRRGGBB to composite over, or negative to drop transparency
   */
  public static Pixels decode(byte[] data, int background, SizeCheck sizeCheck) throws IOException {
    WebpFile file = new WebpFile(data);
    file.walk(12, data.length);
    if (file.picture < 0) {
      throw new IOException("it is truncated: it has no picture");
    }
    return file.decode(background, sizeCheck);
  }

  private Pixels decode(int background, SizeCheck sizeCheck) throws IOException {
    if (frame) { // of an animation, somewhere on a canvas
      sizeCheck.check(canvasWidth, canvasHeight, 14, SizeCheck.UNIFORM);
    }
    int from = picture + 8;
    int end = from + int32(picture + 4);
    PixelConverter converter = new PixelConverter(background);
    Pixels pixels;
    if (data[picture + 3] == ' ') { // VP8, otherwise VP8L
      pixels = Vp8Frame.decode(data, from, end, sizeCheck);
      if (background >= 0 && alpha >= 0) {
        converter.composite(pixels, decodeAlpha(pixels.width(), pixels.height()));
      }
    } else {
      Vp8lFrame.Argb argb = Vp8lFrame.decode(data, from, end, sizeCheck);
      pixels = converter.toRgb(argb.width(), argb.height(), argb.pixels());
    }
    if (!frame) {
      return pixels;
    }
    if (left + pixels.width() > canvasWidth || top + pixels.height() > canvasHeight) {
      throw new IOException("its first frame does not lie on its canvas");
    }
    return pixels.placed(canvasWidth, canvasHeight, left, top, Math.max(0, background));
  }

  /** The alpha of a lossy picture, a byte per pixel. */
  private byte[] decodeAlpha(int width, int height) throws IOException {
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
