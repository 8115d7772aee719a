package org.clip4j.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.TreeMap;

/**
 * The first directory of a TIFF file, of a BigTIFF file or of EXIF data, read as Pillow reads it:
 * entries of unknown types are passed over, and what comes after one that sticks out of the data is
 * lost.
 *
 * @param data all of the file
 * @param entries by tag
 */
record TiffDirectory(ByteBuffer data, TreeMap<Integer, Entry> entries) {
  static final int BYTE = 1;
  static final int SHORT = 3;
  static final int LONG = 4;
  static final int UNDEFINED = 7;
  private static final int RATIONAL = 5;
  private static final int SIGNED_BYTE = 6;
  private static final int SIGNED_SHORT = 8;
  private static final int SIGNED_LONG = 9;
  private static final int SIGNED_RATIONAL = 10;
  private static final int FLOAT = 11;
  private static final int DOUBLE = 12;
  private static final int IFD = 13;
  static final int LONG8 = 16;

  /** Bytes of a value, by type. */
  private static final int[] SIZES = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};

  /**
   * A tag.
   *
   * @param at where in the data its values lie
   */
  record Entry(int type, int count, int at) {
    int bytes() {
      return SIZES[type] * count;
    }
  }

  /** Whether data begin as TIFF or BigTIFF do, in one of the ways that Pillow accepts. */
  static boolean isTiff(byte[] data, int from) {
    if (data.length - from < 8) {
      return false;
    }
    int order = data[from] << 8 | data[from + 1];
    int version = data[from + 2] << 8 | data[from + 3];
    return (order == 0x4949 || order == 0x4D4D) && (version == 0x2A00 || version == 0x002A)
        || order == 0x4949 && version == 0x2B00
        || order == 0x4D4D && version == 0x002B;
  }

  /**
   * Reads the directory of the data in [from, end).
   *
   * @return without entries where there is none
   */
  static TiffDirectory of(byte[] bytes, int from, int end) {
    ByteBuffer data = ByteBuffer.wrap(bytes, from, end - from).slice();
    TiffDirectory directory = new TiffDirectory(data, new TreeMap<>());
    if (isTiff(bytes, from)) {
      data.order(bytes[from] == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
      directory.read(bytes[from + 2] + bytes[from + 3] == 43);
    }
    return directory;
  }

  private void read(boolean big) {
    int entry = big ? 20 : 12;
    int inline = big ? 8 : 4;
    long start = big && data.limit() >= 16 ? data.getLong(8) : data.getInt(4) & 0xFFFFFFFFL;
    if (start < 0 || start > data.limit() - inline) {
      return;
    }
    int at = (int) start + (big ? 8 : 2);
    long count = big ? data.getLong((int) start) : data.getShort((int) start) & 0xFFFF;
    for (long i = 0; i < count && at + entry <= data.limit(); i++, at += entry) {
      int type = data.getShort(at + 2) & 0xFFFF;
      long values = big ? data.getLong(at + 4) : data.getInt(at + 4) & 0xFFFFFFFFL;
      if (type >= SIZES.length || SIZES[type] == 0 || values == 0) {
        continue;
      }
      int place = at + entry - inline;
      long from = place;
      if (values < 0 || values > inline / SIZES[type]) {
        from = big ? data.getLong(place) : data.getInt(place) & 0xFFFFFFFFL;
      }
      if (values < 0
          || values > data.limit()
          || from < 0
          || from > data.limit() - values * SIZES[type]) {
        return;
      }
      entries.put(data.getShort(at) & 0xFFFF, new Entry(type, (int) values, (int) from));
    }
  }

  boolean has(int tag) {
    return entries.containsKey(tag);
  }

  /** The first value of a tag; NaN where it is no number. */
  double number(int tag) {
    Entry entry = entries.get(tag);
    int at = entry.at;
    return switch (entry.type) {
      case SHORT -> data.getShort(at) & 0xFFFF;
      case LONG, IFD -> data.getInt(at) & 0xFFFFFFFFL;
      case LONG8 -> data.getLong(at);
      case SIGNED_BYTE -> data.get(at);
      case SIGNED_SHORT -> data.getShort(at);
      case SIGNED_LONG -> data.getInt(at);
      case FLOAT -> data.getFloat(at);
      case DOUBLE -> data.getDouble(at);
      case RATIONAL ->
          (data.getInt(at) & 0xFFFFFFFFL) / (double) (data.getInt(at + 4) & 0xFFFFFFFFL);
      case SIGNED_RATIONAL -> data.getInt(at) / (double) data.getInt(at + 4);
      default -> Double.NaN;
    };
  }

  /** The values of a tag that holds whole numbers and is there, at most as many as wanted. */
  long[] numbers(int tag, int wanted) throws IOException {
    Entry entry = entries.get(tag);
    if (entry.type != BYTE && entry.type != SHORT && entry.type != LONG && entry.type != LONG8) {
      throw new IOException("its tag " + tag + " has values of the unexpected type " + entry.type);
    }
    long[] values = new long[Math.min(wanted, entry.count)];
    for (int i = 0; i < values.length; i++) {
      int at = entry.at + i * SIZES[entry.type];
      values[i] =
          switch (entry.type) {
            case BYTE -> data.get(at) & 0xFF;
            case SHORT -> data.getShort(at) & 0xFFFF;
            case LONG -> data.getInt(at) & 0xFFFFFFFFL;
            default -> data.getLong(at);
          };
    }
    return values;
  }

  /** The first value of a tag that holds whole numbers, from 0 up to 2^31 - 1. */
  int number(int tag, int otherwise) throws IOException {
    if (!has(tag)) {
      return otherwise;
    }
    long value = numbers(tag, 1)[0];
    return value < 0 || value > Integer.MAX_VALUE ? Integer.MAX_VALUE : (int) value;
  }
}
