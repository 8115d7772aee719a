package org.clip4j.image.internal.jpeg;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.clip4j.image.internal.JdkReaders;
import org.clip4j.image.internal.PixelConverter;
import org.clip4j.image.internal.Pixels;
import org.clip4j.image.internal.SizeCheck;

/**
 * JPEG to RGB as libjpeg and Pillow do it.
 *
 * <p>The reader of the JDK guesses colour spaces in its own way, converts embedded profiles,
 * stumbles over odd metadata and fills what a truncated file lacks with gray. So the markers are
 * walked here, and all application data is left out of what the reader sees. Luma and chroma, which
 * nearly every file has, are announced to it in words that it cannot mistake (JFIF), so that its
 * libjpeg converts them; of all else it is asked for the raw components, and colour is converted
 * here, with libjpeg's tables.
 */
public final class JpegFile {

  private static final int SOI = 0xD8;
  private static final int DHT = 0xC4;
  private static final int EOI = 0xD9;
  private static final int SOS = 0xDA;
  private static final int COM = 0xFE;

  /** A bit says at least that a block of 8 x 8 pixels looks like the one before. */
  private static final int PIXELS_PER_BYTE = 8 * 64;

  /** Sampling of the first of three components: 4:4:4, 4:2:2 and 4:2:0. */
  private static final Set<Integer> USUAL_SAMPLING = Set.of(0x11, 0x21, 0x22);

  private static final VarHandle EIGHT_BYTES =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private static final byte[] START = {(byte) 0xFF, (byte) SOI};

  /** The start of a JFIF file: its components are luma and chroma. */
  private static final byte[] JFIF_START =
      "\u00ff\u00d8\u00ff\u00e0\0\20JFIF\0\1\1\0\0\1\0\1\0\0".getBytes(StandardCharsets.ISO_8859_1);

  private static final ColorModel RGB =
      new ComponentColorModel(
          ColorSpace.getInstance(ColorSpace.CS_sRGB), false, false, 1, DataBuffer.TYPE_BYTE);

  /** Y, Cb and Cr to red, green and blue in 16-bit fixed point, as libjpeg's jdcolor does. */
  private static final int[] CR_TO_RED = new int[256];

  private static final int[] CB_TO_BLUE = new int[256];
  private static final int[] CR_TO_GREEN = new int[256];
  private static final int[] CB_TO_GREEN = new int[256];

  static {
    int half = 1 << 15;
    for (int i = 0; i < 256; i++) {
      int x = i - 128;
      CR_TO_RED[i] = (fixed(1.40200) * x + half) >> 16;
      CB_TO_BLUE[i] = (fixed(1.77200) * x + half) >> 16;
      CR_TO_GREEN[i] = -fixed(0.71414) * x;
      CB_TO_GREEN[i] = -fixed(0.34414) * x + half;
    }
  }

  private final byte[] data;
  private final ByteArrayOutputStream bare; // all that the reader needs after the start

  private int width;
  private int height;
  private byte[] componentIds;
  private JpegScans scans;
  private boolean usualSampling;
  private boolean hasTables;
  private boolean jfif;
  private int adobeTransform = -1;

  private JpegFile(byte[] data) {
    this.data = data;
    this.bare = new ByteArrayOutputStream(data.length);
  }

  /**
   * Decodes a file.
   *
   * @param turbo whether libjpeg-turbo may be used
   */
  public static Pixels decode(byte[] data, SizeCheck sizeCheck, boolean turbo) throws IOException {
    JpegFile file = new JpegFile(data);
    file.walk(sizeCheck);
    if (turbo && file.isUsual() && hasTurbo()) {
      byte[] content = file.content(JFIF_START);
      Pixels image =
          TurboJpeg.isAvailable()
              ? TurboJpeg.decode(content, file.width, file.height)
              : Leptonica.decode(content, file.width, file.height);
      if (image != null) {
        return image;
      }
    }
    return file.componentIds.length == 3 && file.hasLuma()
        ? file.readLuma()
        : file.convert(file.readRaw());
  }

  /** Says whether libjpeg-turbo is installed or on the class path. */
  public static boolean hasTurbo() {
    return TurboJpeg.isAvailable() || Leptonica.isAvailable();
  }

  /** Whether libjpeg-turbo may decode a file, see {@link #isUsual()}. */
  static boolean isUsual(byte[] data) throws IOException {
    JpegFile file = new JpegFile(data);
    file.walk((width, height, bytesPerPixel, pixelsPerByte) -> {});
    return file.isUsual();
  }

  /** Walks a file as {@link #decode} does, and decodes nothing. */
  public static void check(byte[] data, SizeCheck sizeCheck) throws IOException {
    new JpegFile(data).walk(sizeCheck);
  }

  private static int fixed(double x) {
    return (int) (x * 65536 + 0.5);
  }

  /** Walks all markers up to the end of image, keeping what the reader needs. */
  private void walk(SizeCheck sizeCheck) throws IOException {
    int at = 2;
    while (true) {
      int start = at;
      at = nextMark(at); // libjpeg skips stray bytes between segments, too
      while (at < data.length && (data[at] & 0xFF) == 0xFF) {
        at++;
      }
      if (at >= data.length) {
        throw truncated("no end-of-image marker follows byte " + start);
      }
      int marker = data[at++] & 0xFF;
      if (marker == EOI) {
        write(EOI);
        break;
      }
      if (marker == 0 || marker == 1 || marker == SOI || isRestart(marker)) {
        continue; // without a body, and without meaning here
      }
      if (at + 2 > data.length) {
        throw truncated("it ends within a marker");
      }
      int length = uint16(at);
      if (length < 2) {
        throw new IOException("a segment claims a length of " + length + " bytes");
      }
      int end = at + length;
      if (end > data.length) {
        throw truncated(
            "a segment needs " + length + " bytes, " + (data.length - at) + " are left");
      }
      segment(marker, at + 2, end, sizeCheck);
      if (!(marker >= 0xE0 && marker <= 0xEF) && marker != COM) {
        write(marker);
        bare.write(data, at, length);
      }
      at = end;
      if (marker == SOS) {
        at = endOfScan(end);
        bare.write(data, end, at - end);
      }
    }
    if (componentIds == null) {
      throw new IOException("it has no frame header");
    }
  }

  private void segment(int marker, int at, int end, SizeCheck sizeCheck) throws IOException {
    int size = end - at;
    if (marker == 0xE0 && size >= 5 && ascii(at, "JFIF\0")) {
      jfif = true;
    } else if (marker == 0xEE && size >= 12 && ascii(at, "Adobe")) {
      adobeTransform = data[at + 11] & 0xFF;
    } else if (isFrame(marker)) {
      frame(marker, at, size, sizeCheck);
    } else if (marker == DHT) {
      hasTables = true;
    } else if (marker == SOS) {
      if (componentIds == null) {
        throw new IOException("a scan comes before the frame header");
      }
      scans.add(data, at, size);
    }
  }

  /**
   * Whether all versions of libjpeg make the same pixels of it. They differ in how they enlarge
   * chroma of unusual sampling, and in what they make up for coefficients that are missing.
   */
  private boolean isUsual() {
    boolean gray = componentIds.length == 1;
    return (gray || componentIds.length == 3 && hasLuma())
        && usualSampling
        && hasTables
        && scans.areComplete();
  }

  private void frame(int marker, int at, int size, SizeCheck sizeCheck) throws IOException {
    if (componentIds != null) {
      throw new IOException("it has two frame headers");
    }
    if (marker != 0xC0 && marker != 0xC1 && marker != 0xC2) {
      throw new IOException(
          "its coding process (SOF"
              + (marker - 0xC0)
              + ") is not supported; baseline and progressive with Huffman coding are");
    }
    if (size < 6 || size < 6 + 3 * data[at + 5]) {
      throw new IOException("its frame header is too short");
    }
    int bits = data[at] & 0xFF;
    if (bits != 8) {
      throw new IOException("samples of " + bits + " bits are not supported, 8 are");
    }
    height = uint16(at + 1);
    width = uint16(at + 3);
    int components = data[at + 5] & 0xFF;
    if (components != 1 && components != 3 && components != 4) {
      throw new IOException("it has " + components + " components; 1, 3 or 4 are supported");
    }
    boolean progressive = marker == 0xC2;
    int raw = (components == 3 ? 0 : components) + (progressive ? 2 * components : 0);
    sizeCheck.check(width, height, 3 + raw, PIXELS_PER_BYTE);
    componentIds = new byte[components];
    scans = new JpegScans(componentIds, progressive, (long) width * height, data.length);
    usualSampling =
        USUAL_SAMPLING.contains((int) data[at + 7]) && (components > 1 || data[at + 7] == 0x11);
    for (int i = 0; i < components; i++) {
      componentIds[i] = data[at + 6 + 3 * i];
      usualSampling &= i == 0 || data[at + 7 + 3 * i] == 0x11;
    }
  }

  /** First byte after the entropy-coded data that starts here: that of the next marker. */
  private int endOfScan(int at) throws IOException {
    for (int i = nextMark(at); i + 1 < data.length; i = nextMark(i + 1)) {
      int next = data[i + 1] & 0xFF;
      if (next != 0 && next != 0xFF && !isRestart(next)) {
        return i;
      }
    }
    throw truncated("no end-of-image marker follows the scan at byte " + at);
  }

  /** The first byte of 0xFF from here on, or the end of the file. */
  private int nextMark(int at) {
    int i = at;
    while (i + Long.BYTES <= data.length && !hasMark((long) EIGHT_BYTES.get(data, i))) {
      i += Long.BYTES;
    }
    while (i < data.length && data[i] != (byte) 0xFF) {
      i++;
    }
    return i;
  }

  /** Whether one of eight bytes is 0xFF: 0 in the complement, where subtracting 1 borrows. */
  private static boolean hasMark(long bytes) {
    return (~bytes - 0x0101010101010101L & bytes & 0x8080808080808080L) != 0;
  }

  private Pixels readLuma() throws IOException {
    byte[] rgb = new byte[width * height * 3];
    WritableRaster raster =
        Raster.createInterleavedRaster(
            new DataBufferByte(rgb, rgb.length),
            width,
            height,
            width * 3,
            3,
            new int[] {0, 1, 2},
            null);
    read(
        JFIF_START,
        reader -> {
          ImageReadParam into = reader.getDefaultReadParam();
          into.setDestination(new BufferedImage(RGB, raster, false, null));
          return reader.read(0, into);
        });
    return new Pixels(width, height, rgb);
  }

  private Raster readRaw() throws IOException {
    return read(START, reader -> reader.readRaster(0, null));
  }

  /** What is asked of the JDK's reader. */
  private interface Reading<T> {
    T from(ImageReader reader) throws IOException;
  }

  /** The file as readers get it. */
  private byte[] content(byte[] start) {
    byte[] rest = bare.toByteArray();
    byte[] file = Arrays.copyOf(start, start.length + rest.length);
    System.arraycopy(rest, 0, file, start.length, rest.length);
    return file;
  }

  /** Keeps the JDK reader's warning that the file ends too early. */
  private static final class EndWatch implements IIOReadWarningListener {
    private String missing; // null: the end was there

    @Override
    public void warningOccurred(ImageReader source, String warning) {
      if (warning.contains("EOI")) {
        missing = warning;
      }
    }
  }

  private <T> T read(byte[] start, Reading<T> reading) throws IOException {
    ImageReader reader = JdkReaders.create("JPEG");
    EndWatch end = new EndWatch();
    try (ImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(content(start)))) {
      reader.addIIOReadWarningListener(end);
      reader.setInput(in, true, true);
      T result = reading.from(reader);
      if (end.missing != null) {
        throw truncated(end.missing);
      }
      return result;
    } finally {
      reader.dispose();
    }
  }

  private Pixels convert(Raster raster) throws IOException {
    int bands = raster.getNumBands();
    if (raster.getWidth() != width
        || raster.getHeight() != height
        || bands != componentIds.length) {
      throw new IOException("the decoded size is not the one in its header");
    }
    byte[] raw = PixelConverter.interleaved(raster);
    if (bands == 3) {
      return new Pixels(width, height, raw);
    }
    byte[] rgb = new byte[width * height * 3];
    if (bands == 1) {
      PixelConverter.replicate(raw, rgb);
    } else {
      fromFour(raw, rgb, hasLuma());
    }
    return new Pixels(width, height, rgb);
  }

  /** Whether colour is stored as luma and chroma; libjpeg's rules. */
  private boolean hasLuma() {
    if (componentIds.length == 4) {
      return adobeTransform > 0;
    }
    if (jfif) {
      return true;
    }
    if (adobeTransform >= 0) {
      return adobeTransform != 0;
    }
    return !(componentIds[0] == 'R'
        && componentIds.length == 3
        && componentIds[1] == 'G'
        && componentIds[2] == 'B');
  }

  /** CMYK or YCCK, both stored inverted as Adobe does, which Pillow takes for granted. */
  private static void fromFour(byte[] raw, byte[] rgb, boolean luma) {
    for (int i = 0, o = 0; o < rgb.length; i += 4, o += 3) {
      int c = raw[i] & 0xFF;
      int m = raw[i + 1] & 0xFF;
      int y = raw[i + 2] & 0xFF;
      if (luma) {
        int luminance = c;
        int cb = m;
        int cr = y;
        c = 255 - (clip(luminance + CR_TO_RED[cr]) & 0xFF);
        m = 255 - (clip(luminance + ((CB_TO_GREEN[cb] + CR_TO_GREEN[cr]) >> 16)) & 0xFF);
        y = 255 - (clip(luminance + CB_TO_BLUE[cb]) & 0xFF);
      }
      PixelConverter.cmyk(255 - c, 255 - m, 255 - y, 255 - (raw[i + 3] & 0xFF), rgb, o);
    }
  }

  private static byte clip(int v) {
    return (byte) Math.max(0, Math.min(255, v));
  }

  private void write(int marker) {
    bare.write(0xFF);
    bare.write(marker);
  }

  private int uint16(int at) {
    return (data[at] & 0xFF) << 8 | data[at + 1] & 0xFF;
  }

  private boolean ascii(int at, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (data[at + i] != text.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isRestart(int marker) {
    return marker >= 0xD0 && marker <= 0xD7;
  }

  private static boolean isFrame(int marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
  }

  private static IOException truncated(String how) {
    return new IOException("it is truncated: " + how);
  }
}
