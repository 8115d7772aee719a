package org.clip4j.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * What the metadata of an image that decodes say about how it lies, as Pillow's {@code getexif}
 * reads them: EXIF data, and XMP where those have no such tag. PNG may hold either in several ways;
 * of each the last counts.
 */
final class OrientationReader {
  private static final int TAG = 274;
  private static final int TIFF_XMP = 700;
  private static final int WEBP_HAS_EXIF = 8;
  private static final int WEBP_HAS_XMP = 4;

  /** As in Pillow: what text in PNG may be when inflated. */
  private static final int MOST_TEXT = 1 << 20;

  private static final String EXIF_NAME = "Exif\0\0";
  private static final String XMP_NAME = "http://ns.adobe.com/xap/1.0/\0";
  private static final byte[] NONE = {};

  private final byte[] data;
  private byte[] exif; // null where there are none
  private byte[] xmp = NONE;

  private OrientationReader(byte[] data) {
    this.data = data;
  }

  static Orientation read(ImageFormat format, byte[] data) {
    OrientationReader reader = new OrientationReader(data);
    switch (format) {
      case JPEG -> reader.walkJpeg();
      case PNG -> reader.walkPng();
      case WEBP -> reader.walkWebp();
      case TIFF -> {
        TiffDirectory directory = TiffDirectory.of(data, 0, data.length);
        TiffDirectory.Entry entry = directory.entries().get(TIFF_XMP);
        if (entry != null) {
          reader.xmp = Arrays.copyOfRange(data, entry.at(), entry.at() + entry.bytes());
        }
        return reader.orientation(directory);
      }
      default -> {
        return Orientation.UPRIGHT;
      }
    }
    return reader.orientation();
  }

  private Orientation orientation() {
    int from = 0;
    while (exif != null && isNamed(exif, from, EXIF_NAME)) {
      from += EXIF_NAME.length();
    }
    if (exif == null || from == exif.length) {
      return inXmp();
    }
    // In EXIF, Pillow takes no BigTIFF.
    return !TiffDirectory.isTiff(exif, from) || exif[from + 2] + exif[from + 3] == 43
        ? Orientation.UPRIGHT
        : orientation(TiffDirectory.of(exif, from, exif.length));
  }

  private Orientation orientation(TiffDirectory directory) {
    return directory.has(TAG) ? Orientation.of(directory.number(TAG)) : inXmp();
  }

  /** The first digit after an attribute or an element of this name. */
  private Orientation inXmp() {
    String text = new String(xmp, StandardCharsets.ISO_8859_1);
    String name = "tiff:Orientation";
    for (int at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
      int value = at + name.length();
      value += text.startsWith("=\"", value) ? 2 : text.startsWith(">", value) ? 1 : text.length();
      if (value < text.length() && text.charAt(value) >= '0' && text.charAt(value) <= '9') {
        return Orientation.of(text.charAt(value) - '0');
      }
    }
    return Orientation.UPRIGHT;
  }

  /** Application segments before the first scan. EXIF data may be spread over several. */
  private void walkJpeg() {
    ByteArrayOutputStream parts = new ByteArrayOutputStream();
    int at = 2;
    while (at + 4 <= data.length) {
      int marker = data[at + 1] & 0xFF;
      if (data[at] != (byte) 0xFF || marker == 0xFF) {
        at++; // stray and fill bytes
      } else if (marker == 0 || marker == 1 || marker >= 0xD0 && marker <= 0xD8) {
        at += 2; // without a body
      } else {
        int end = at + 2 + ((data[at + 2] & 0xFF) << 8 | data[at + 3] & 0xFF);
        if (marker == 0xDA || end > data.length) {
          break;
        }
        int body = at + 4;
        if (marker == 0xE1 && end - body >= 6 && isNamed(data, body, EXIF_NAME)) {
          int from = parts.size() == 0 ? body : body + EXIF_NAME.length();
          parts.write(data, from, end - from);
        } else if (marker == 0xE1 && isNamed(data, body, XMP_NAME)) {
          xmp = slice(body + XMP_NAME.length(), end);
        }
        at = Math.max(at + 2, end);
      }
    }
    exif = parts.size() == 0 ? null : parts.toByteArray();
  }

  /** Each kind of text is inflated only once all is known to be the last. */
  private void walkPng() {
    int profile = -1;
    int text = -1;
    int at = 8;
    while (at + 12 <= data.length && !isNamed(data, at + 4, "IEND")) {
      int length = ByteBuffer.wrap(data).getInt(at);
      if (length < 0 || length > data.length - at - 12) {
        break;
      }
      if (isNamed(data, at + 4, "eXIf")) {
        exif = slice(at + 8, at + 8 + length);
      } else if (isNamed(data, at + 4, "tEXtexif\0")) {
        exif = slice(at + 8 + 5, at + 8 + length);
      } else if (isText(at + 4)) {
        profile = isNamed(data, at + 8, "Raw profile type exif\0") ? at : profile;
        text = isNamed(data, at + 8, "XML:com.adobe.xmp\0") ? at : text;
      }
      at += 12 + length;
    }
    if (exif == null && profile >= 0) {
      exif = fromHex(textOf(profile));
    }
    xmp = text >= 0 ? textOf(text) : NONE;
  }

  private boolean isText(int type) {
    return isNamed(data, type, "tEXt")
        || isNamed(data, type, "zTXt")
        || isNamed(data, type, "iTXt");
  }

  /** The text of a chunk after its keyword; nothing where it cannot be read. */
  private byte[] textOf(int chunk) {
    int at = chunk + 8;
    int end = at + ByteBuffer.wrap(data).getInt(chunk);
    at = afterNull(at, end);
    boolean packed = data[chunk + 4] == 'z';
    if (data[chunk + 4] == 'i') {
      packed = at < end && data[at] != 0;
      at = afterNull(afterNull(Math.min(end, at + 2), end), end); // language, translated keyword
    } else if (packed) {
      at++; // the method, of which there is but one
    }
    return packed ? inflated(at, end) : slice(Math.min(at, end), end);
  }

  private int afterNull(int from, int end) {
    int at = from;
    while (at < end && data[at] != 0) {
      at++;
    }
    return Math.min(end, at + 1);
  }

  private byte[] inflated(int from, int end) {
    Inflater inflater = new Inflater();
    try {
      inflater.setInput(data, Math.min(from, end), Math.max(0, end - from));
      byte[] text = new byte[MOST_TEXT + 1];
      int length = 0;
      int step = 1;
      while (!inflater.finished() && length < text.length && step > 0) {
        step = inflater.inflate(text, length, text.length - length);
        length += step;
      }
      return length > MOST_TEXT ? NONE : Arrays.copyOf(text, length);
    } catch (DataFormatException e) {
      return NONE;
    } finally {
      inflater.end();
    }
  }

  /** ImageMagick's way: three lines of name and length, then digits with white space between. */
  private static byte[] fromHex(byte[] text) {
    String all = new String(text, StandardCharsets.ISO_8859_1);
    int at = 0;
    for (int line = 0; line < 3; line++) {
      at = all.indexOf('\n', at) + 1;
      if (at == 0) {
        return NONE;
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (; at < all.length(); at++) {
      if (Character.isWhitespace(all.charAt(at))) {
        continue;
      }
      int high = Character.digit(all.charAt(at), 16);
      int low = ++at < all.length() ? Character.digit(all.charAt(at), 16) : -1;
      if (high < 0 || low < 0) {
        return NONE;
      }
      bytes.write(high << 4 | low);
    }
    return bytes.toByteArray();
  }

  /** Chunks count only if the file's header announces them, as in libwebp, and the first does. */
  private void walkWebp() {
    int flags = 0;
    int at = 12;
    while (at + 8 <= data.length) {
      int length = Integer.reverseBytes(ByteBuffer.wrap(data).getInt(at + 4));
      if (length < 0 || length > data.length - at - 8) {
        return;
      }
      if (isNamed(data, at, "VP8X") && length > 0) {
        flags = data[at + 8];
      } else if (isNamed(data, at, "EXIF") && (flags & WEBP_HAS_EXIF) != 0 && exif == null) {
        exif = slice(at + 8, at + 8 + length);
      } else if (isNamed(data, at, "XMP ") && (flags & WEBP_HAS_XMP) != 0 && xmp.length == 0) {
        xmp = slice(at + 8, at + 8 + length);
      }
      at += 8 + length + (length & 1);
    }
  }

  private byte[] slice(int from, int end) {
    return from >= end ? NONE : Arrays.copyOfRange(data, from, end);
  }

  private static boolean isNamed(byte[] data, int at, String name) {
    if (at + name.length() > data.length) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (data[at + i] != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
