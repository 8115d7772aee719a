package org.clip4j.image;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeMap;
import org.clip4j.image.internal.PixelConverter;
import org.clip4j.image.internal.Pixels;
import org.clip4j.image.internal.SizeCheck;
import org.clip4j.image.internal.jpeg.JpegFile;

/**
 * What there is to know of a TIFF file before it is decoded. The reader gets one directory of
 * checked tags in classic TIFF, appended to the file, whatever the file had: it trusts the sizes
 * that tags claim, follows any chain of directories, and takes premultiplied colours as they are.
 */
final class TiffFile {
  private static final int WIDTH = 256;
  private static final int HEIGHT = 257;
  private static final int BITS = 258;
  private static final int COMPRESSION = 259;
  private static final int PHOTOMETRIC = 262;
  private static final int STRIP_OFFSETS = 273;
  private static final int SAMPLES = 277;
  private static final int ROWS_PER_STRIP = 278;
  private static final int STRIP_BYTES = 279;
  private static final int PLANAR = 284;
  private static final int COLORS = 320;
  private static final int TILE_WIDTH = 322;
  private static final int TILE_HEIGHT = 323;
  private static final int TILE_OFFSETS = 324;
  private static final int TILE_BYTES = 325;
  private static final int EXTRA_SAMPLES = 338;
  private static final int JPEG_STREAM = 513;

  /** The tags that decide about pixels; the rest describes them. */
  private static final Set<Integer> KEPT =
      Set.of(
          WIDTH,
          HEIGHT,
          BITS,
          COMPRESSION,
          PHOTOMETRIC,
          266,
          STRIP_OFFSETS,
          SAMPLES,
          ROWS_PER_STRIP,
          STRIP_BYTES,
          PLANAR,
          292,
          293,
          317,
          COLORS,
          TILE_WIDTH,
          TILE_HEIGHT,
          TILE_OFFSETS,
          TILE_BYTES,
          EXTRA_SAMPLES,
          339,
          347,
          512,
          JPEG_STREAM,
          514,
          515,
          517,
          518,
          519,
          520,
          521,
          529,
          530,
          531,
          532);

  private static final int UNCOMPRESSED = 1;
  private static final int OLD_JPEG = 6;
  private static final int JPEG = 7;

  /** Those that the reader knows: none, CCITT, LZW, JPEG, Deflate and PackBits. */
  private static final Set<Integer> COMPRESSIONS =
      Set.of(UNCOMPRESSED, 2, 3, 4, 5, OLD_JPEG, JPEG, 8, 32773, 32946);

  /** As in Pillow. */
  private static final int MOST_SAMPLES = 6;

  /**
   * What a strip or a tile may have beyond the picture: tiles have one size however small it is.
   */
  private static final int SPARE_PIXELS = 1 << 20;

  private static final int PALETTE = 3;
  private static final int SPARE = 0;
  private static final int PREMULTIPLIED = 1;
  private static final int STRAIGHT = 2;

  private final byte[] data;
  private final TiffDirectory directory;
  private final int width;
  private final int height;
  private final int samples;
  private final int compression;
  private final int photometric;
  private final TreeMap<Integer, long[]> changed = new TreeMap<>();

  private TiffFile(byte[] data) throws IOException {
    this.data = data;
    directory = TiffDirectory.of(data, 0, data.length);
    if (!directory.has(WIDTH) || !directory.has(HEIGHT)) {
      throw new IOException("it is truncated: its directory does not say its width and height");
    }
    width = directory.number(WIDTH, 0);
    height = directory.number(HEIGHT, 0);
    compression = directory.number(COMPRESSION, UNCOMPRESSED);
    photometric = directory.number(PHOTOMETRIC, 0);
    samples = directory.number(SAMPLES, compression == JPEG || compression == OLD_JPEG ? 3 : 1);
  }

  /** Reads the directory, and checks all that the reader would rely on. */
  static TiffFile of(byte[] data, SizeCheck sizeCheck) throws IOException {
    TiffFile file = new TiffFile(data);
    file.check(sizeCheck);
    return file;
  }

  private boolean isPremultiplied() throws IOException {
    return directory.number(EXTRA_SAMPLES, 0) == PREMULTIPLIED;
  }

  /** Makes RGB of what the reader made of {@link #essence}. */
  Pixels toRgb(BufferedImage image, int background) throws IOException {
    // Without a word, a fourth sample of RGB is alpha, and so is whatever the word is but 0.
    boolean alpha = directory.number(EXTRA_SAMPLES, STRAIGHT) != SPARE;
    PixelConverter converter = new PixelConverter(background, isPremultiplied(), alpha, -1);
    return photometric == PALETTE && samples == 2
        ? converter.toRgb(image.getRaster(), directory.numbers(COLORS, 3 << 8), alpha)
        : converter.toRgb(image);
  }

  private void check(SizeCheck sizeCheck) throws IOException {
    if (!COMPRESSIONS.contains(compression)) {
      throw new IOException("its compression (" + compression + ") is not supported");
    }
    if (samples < 1 || samples > MOST_SAMPLES) {
      throw new IOException(
          "it has " + samples + " samples a pixel; 1 to " + MOST_SAMPLES + " are supported");
    }
    long bits = directory.number(BITS, 1);
    if (bits < 1 || bits > 64) {
      throw new IOException("samples of " + bits + " bits are not supported");
    }
    int pixelBits = (int) bits * samples;
    // LZW makes at most 2560 of a byte, Deflate 1032, PackBits 64; CCITT gives white rows a bit.
    boolean fax = compression >= 2 && compression <= 4;
    sizeCheck.check(
        width, height, 3 + (pixelBits + 7) / 8, fax ? SizeCheck.UNIFORM : (1 << 15) / pixelBits);
    boolean tiled = directory.has(TILE_OFFSETS);
    long cellWidth = tiled ? directory.number(TILE_WIDTH, 0) : width;
    long cellHeight =
        tiled
            ? directory.number(TILE_HEIGHT, 0)
            : Math.min(height, directory.number(ROWS_PER_STRIP, height));
    if (cellWidth < 1
        || cellHeight < 1
        || cellWidth * cellHeight > 2L * width * height + SPARE_PIXELS) {
      throw new IOException(
          "it claims strips or tiles of " + cellWidth + " x " + cellHeight + " pixels");
    }
    if (bits == 16 && photometric == 0) {
      changed.put(PHOTOMETRIC, new long[] {1}); // Pillow does not invert deep gray
    }
    if (isPremultiplied()) {
      changed.put(EXTRA_SAMPLES, directory.numbers(EXTRA_SAMPLES, samples));
      changed.get(EXTRA_SAMPLES)[0] = STRAIGHT;
    }
    changed.put(ROWS_PER_STRIP, new long[] {tiled ? height : cellHeight});
    if (compression == OLD_JPEG && directory.has(JPEG_STREAM)) {
      checkJpeg(directory.number(JPEG_STREAM, 0), data.length, width, height);
    }
    long cells = ((width - 1) / cellWidth + 1) * ((height - 1) / cellHeight + 1);
    long planes = directory.number(PLANAR, 1) == 2 ? samples : 1;
    int offsetsTag = tiled ? TILE_OFFSETS : STRIP_OFFSETS;
    if (directory.has(offsetsTag)) {
      int bytesTag = tiled ? TILE_BYTES : STRIP_BYTES;
      long rowBytes = (cellWidth * pixelBits / planes + 7) / 8;
      checkCells(
          offsetsTag, bytesTag, cells * planes, rowBytes * cellHeight, rowBytes * height * planes);
      for (int i = 0; i < cells * planes && compression == JPEG; i++) {
        int from = (int) changed.get(offsetsTag)[i];
        int end = from + (int) changed.get(bytesTag)[i];
        checkJpeg(from, end, cellWidth, cellHeight);
      }
    } else if (compression != OLD_JPEG) {
      throw new IOException("it is truncated: its directory does not say where its pixels are");
    }
  }

  /**
   * Cuts what strips or tiles claim to what there is.
   *
   * @param plainBytes that each takes without compression
   * @param needed that strips take without compression, all together
   */
  private void checkCells(int offsetsTag, int bytesTag, long cells, long plainBytes, long needed)
      throws IOException {
    int wanted = (int) Math.min(cells, data.length);
    long[] offsets = directory.numbers(offsetsTag, wanted);
    long[] bytes = new long[offsets.length];
    Arrays.fill(bytes, compression == UNCOMPRESSED ? plainBytes : data.length);
    if (directory.has(bytesTag)) {
      long[] given = directory.numbers(bytesTag, wanted);
      System.arraycopy(given, 0, bytes, 0, Math.min(given.length, bytes.length));
    }
    if (offsets.length < cells) {
      throw new IOException(
          "it is truncated: it names " + offsets.length + " of its " + cells + " strips or tiles");
    }
    long all = 0;
    for (int i = 0; i < offsets.length; i++) {
      if (offsets[i] < 0 || offsets[i] >= data.length) {
        throw new IOException("it is truncated: it ends before its strip or tile " + i);
      }
      long left = data.length - offsets[i];
      bytes[i] = bytes[i] <= 0 ? left : Math.min(bytes[i], left);
      all += bytes[i];
    }
    if (compression == UNCOMPRESSED && !directory.has(TILE_OFFSETS) && all < needed) {
      throw new IOException(
          "it is truncated: its pixels need " + needed + " bytes, " + all + " are left");
    }
    // Strips that share their bytes would let a short file ask for endless work.
    if (all > 4L * data.length + SPARE_PIXELS) {
      throw new IOException("its strips or tiles overlap: they claim " + all + " bytes in all");
    }
    changed.put(offsetsTag, offsets);
    changed.put(bytesTag, bytes);
  }

  /** A picture in the picture must be no larger than its place, up to whole blocks. */
  private void checkJpeg(int from, int end, long cellWidth, long cellHeight) throws IOException {
    if (end - from < 4 || data[from] != (byte) 0xFF || data[from + 1] != (byte) 0xD8) {
      return; // the reader has words for it, or makes a header that fits
    }
    JpegFile.check(
        Arrays.copyOfRange(data, from, end),
        (w, h, bytesPerPixel, pixelsPerByte) -> {
          if (w > cellWidth + 15 || h > cellHeight + 15) {
            throw new IOException(
                "it holds a JPEG image of "
                    + (w + " x " + h)
                    + " pixels in a place of "
                    + (cellWidth + " x " + cellHeight));
          }
        });
  }

  /** The file as classic TIFF with one directory, whose values lie where they lay. */
  byte[] essence() throws IOException {
    TreeMap<Integer, TiffDirectory.Entry> entries = new TreeMap<>(directory.entries());
    entries.keySet().retainAll(KEPT);
    for (var entry : entries.entrySet()) {
      if (entry.getValue().type() == TiffDirectory.LONG8) {
        changed.computeIfAbsent(entry.getKey(), tag -> new long[] {(long) directory.number(tag)});
      }
    }
    changed.keySet().forEach(tag -> entries.put(tag, null));
    int numbers = changed.values().stream().mapToInt(values -> values.length).sum();
    int start = data.length + (data.length & 1);
    byte[] bytes = Arrays.copyOf(data, start + 6 + 12 * entries.size() + 4 * numbers);
    ByteBuffer out = ByteBuffer.wrap(bytes).order(directory.data().order());
    out.putShort(2, (short) 42).putInt(4, start).position(start);
    out.putShort((short) entries.size());
    int free = start + 6 + 12 * entries.size();
    for (int tag : entries.keySet()) {
      long[] values = changed.get(tag);
      if (values != null) {
        out.putShort((short) tag).putShort((short) TiffDirectory.LONG).putInt(values.length);
        out.putInt(values.length == 1 ? (int) values[0] : free);
        for (int i = 0; i < values.length && values.length > 1; i++, free += 4) {
          out.putInt(free, (int) values[i]);
        }
        continue;
      }
      TiffDirectory.Entry entry = entries.get(tag);
      out.putShort((short) tag).putShort((short) entry.type()).putInt(entry.count());
      if (entry.bytes() > 4) {
        out.putInt(entry.at());
      } else {
        out.put(Arrays.copyOf(Arrays.copyOfRange(data, entry.at(), entry.at() + entry.bytes()), 4));
      }
    }
    return bytes;
  }
}
