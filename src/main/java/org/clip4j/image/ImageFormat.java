package org.clip4j.image;

import com.twelvemonkeys.imageio.plugins.tiff.TIFFImageReaderSpi;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import javax.imageio.ImageReader;
import org.clip4j.image.internal.JdkReaders;

/** The supported formats: how content tells them apart, and which reader decodes each. */
enum ImageFormat {
  PNG("PNG"),
  JPEG("JPEG"),
  WEBP("WebP"),
  GIF("GIF"),
  BMP("BMP"),
  TIFF("TIFF");

  private final String label;

  ImageFormat(String label) {
    this.label = label;
  }

  String label() {
    return label;
  }

  /** The format that the first bytes announce, or null. */
  static ImageFormat of(byte[] data) {
    if (starts(data, 0, "\u0089PNG\r\n\u001a\n")) {
      return PNG;
    }
    if (starts(data, 0, "\u00ff\u00d8\u00ff")) {
      return JPEG;
    }
    if (starts(data, 0, "RIFF") && starts(data, 8, "WEBP")) {
      return WEBP;
    }
    if (starts(data, 0, "GIF87a") || starts(data, 0, "GIF89a")) {
      return GIF;
    }
    if (starts(data, 0, "BM")) {
      return BMP;
    }
    if (TiffDirectory.isTiff(data, 0)) {
      return TIFF;
    }
    return null;
  }

  /** Words for content that is none of the formats. */
  static String describe(byte[] data) {
    if (starts(data, 4, "ftyp")) {
      return "an ISO media file (" + text(data, 8, 4) + ", as AVIF, HEIC and MP4 are)";
    }
    if (starts(data, 0, "version https://git-lfs")) {
      return "a Git LFS pointer instead of the file";
    }
    if (starts(data, 0, "\u00ff\n") || starts(data, 4, "JXL ")) {
      return "JPEG XL";
    }
    if (starts(data, 4, "jP  ")) {
      return "JPEG 2000";
    }
    boolean printable = true;
    int shown = Math.min(data.length, 24);
    for (int i = 0; i < shown; i++) {
      printable &=
          data[i] >= ' ' && data[i] < 127 || data[i] == '\n' || data[i] == '\r' || data[i] == '\t';
    }
    if (printable) {
      String more = shown < data.length ? "…" : "";
      return "the text \"" + text(data, 0, shown).strip().replaceAll("\\s+", " ") + more + "\"";
    }
    StringBuilder hex = new StringBuilder("bytes that begin with");
    for (int i = 0; i < Math.min(data.length, 8); i++) {
      hex.append(String.format(Locale.ROOT, " %02x", data[i] & 0xFF));
    }
    return hex.toString();
  }

  /** Makes a reader of its own for each image, always of the same provider. */
  ImageReader newReader() throws IOException {
    return this == TIFF
        ? new TIFFImageReaderSpi().createReaderInstance(null)
        : JdkReaders.create(label);
  }

  private static boolean starts(byte[] data, int at, String latin1) {
    if (data.length < at + latin1.length()) {
      return false;
    }
    for (int i = 0; i < latin1.length(); i++) {
      if ((data[at + i] & 0xFF) != latin1.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static String text(byte[] data, int at, int length) {
    return new String(data, at, Math.min(length, data.length - at), StandardCharsets.ISO_8859_1);
  }
}
