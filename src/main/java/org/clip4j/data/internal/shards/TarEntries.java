package org.clip4j.data.internal.shards;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import org.clip4j.io.IoErrors;

/**
 * The files in a tar, by their headers alone: POSIX ustar and pax, and GNU's long names and large
 * sizes. Never holds more than a block and a long name in memory, whatever the headers say.
 *
 * <p>Own code: commons-compress keeps all entries and names of any length in memory, and needs a
 * library that DJL excludes (docs/decisions.md).
 */
public final class TarEntries implements Closeable {
  private static final int BLOCK = 512;

  /** Bytes read at once: small files follow each other closely, large ones are jumped over. */
  private static final int READ_AHEAD = 1 << 16;

  private static final int MAX_NAME_BYTES = 4096; // the longest path that Linux opens
  private static final int MAX_PAX_BYTES = 1 << 20;

  /** A tar that cannot be read on from some place; the message says where and why. */
  public static final class DamagedException extends IOException {
    DamagedException(String message) {
      super(message);
    }
  }

  /**
   * A file in the tar.
   *
   * @param sparse its content is not stored as it is
   */
  public record Entry(String name, long offset, long size, boolean sparse) {}

  /** How compressed files begin, with what unpacks them. */
  private static final Map<String, String> COMPRESSED =
      Map.of("1f8b", "gunzip", "28b52ffd", "unzstd", "425a68", "bunzip2", "fd377a58", "unxz");

  private final FileChannel channel;
  private final long length;
  private final ByteBuffer buffer = ByteBuffer.allocate(READ_AHEAD);
  private long bufferStart;
  private long position;

  public TarEntries(Path file) throws IOException {
    channel = IoErrors.worded(file, () -> FileChannel.open(file));
    length = channel.size();
    buffer.limit(0);
  }

  /**
   * What a file says that is compressed, whatever its name: places in it cannot be looked up.
   *
   * @return the rest of a sentence; null if it is not compressed
   */
  public static String compression(Path file) throws IOException {
    byte[] start = new byte[4];
    try (InputStream in = Files.newInputStream(file)) {
      in.readNBytes(start, 0, start.length);
    } catch (IOException e) {
      throw IoErrors.worded(file, e);
    }
    return compression(start);
  }

  public static String compression(byte[] bytes) {
    String start = HexFormat.of().formatHex(bytes, 0, 4);
    for (Map.Entry<String, String> each : COMPRESSED.entrySet()) {
      if (start.startsWith(each.getKey())) {
        return "is compressed, so places in it cannot be looked up; unpack it to a plain .tar by "
            + each.getValue();
      }
    }
    return null;
  }

  /**
   * The next file; null at the end, which is two blocks of zeros, or the end of the file, as some
   * programs leave them off. Folders and links are passed over.
   *
   * @throws DamagedException if the tar ends too early, or what should be a header is none
   */
  public Entry next() throws IOException {
    String longName = null;
    Pax pax = new Pax(null, -1, false);
    while (true) {
      if (isEnd() && longName == null && pax.isNone()) {
        return null;
      }
      byte[] header = read(position, BLOCK, "the next header");
      if (isZero(header)) {
        return null;
      }
      String compression = position == 0 ? compression(header) : null;
      if (compression != null) {
        throw new DamagedException(compression);
      }
      long at = position;
      long size = size(header, at);
      byte type = header[156];
      long content = at + BLOCK;
      boolean file = type == '0' || type == 0 || type == '7' || type == 'S';
      if (file && pax.size >= 0) {
        size = pax.size;
      }
      if (type >= '1' && type <= '6') {
        size = 0; // links and folders have no content, whatever their size says
      }
      long end = content + size;
      if (size > length || end > length) {
        throw new DamagedException(
            "ends within the entry at byte "
                + at
                + ", which needs "
                + size
                + " bytes where "
                + Math.max(0, length - content)
                + " are left");
      }
      position = (end + BLOCK - 1) / BLOCK * BLOCK;
      if (type == 'L') {
        longName = text(read(content, limited(size, MAX_NAME_BYTES, at), "a long name"), 0);
      } else if (type == 'x') {
        pax = pax(read(content, limited(size, MAX_PAX_BYTES, at), "a pax header"), at);
      } else if (file) {
        String name = pax.path != null ? pax.path : longName != null ? longName : name(header);
        return new Entry(name, content, size, pax.sparse || type == 'S');
      } else {
        longName = null;
        pax = new Pax(null, -1, false);
      }
    }
  }

  /**
   * Whether the file ends here, behind an entry and perhaps within its padding or a block of zeros.
   */
  private boolean isEnd() throws IOException {
    long left = length - position;
    return position > 0
        && left < BLOCK
        && (left <= 0 || isZero(read(position, (int) left, "the rest of the padding")));
  }

  private static int limited(long size, int limit, long at) throws DamagedException {
    if (size > limit) {
      throw new DamagedException(
          "has a name or header of "
              + size
              + " bytes at byte "
              + at
              + "; "
              + limit
              + " are allowed");
    }
    return (int) size;
  }

  private static long size(byte[] header, long at) throws DamagedException {
    long size = checksum(header) == number(header, 148, 8) ? number(header, 124, 12) : -1;
    if (size < 0) {
      throw new DamagedException("is damaged at byte " + at + ": that is no tar header");
    }
    return size;
  }

  /** The sum of the header's bytes, with spaces for the checksum itself. */
  private static long checksum(byte[] header) {
    long sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xFF;
    }
    return sum;
  }

  /** Octal digits, or GNU's big-endian binary if the highest bit is set; -1 if neither. */
  private static long number(byte[] header, int from, int length) {
    long value = 0;
    if (header[from] == (byte) 0x80) {
      for (int i = from + 1; i < from + length; i++) {
        if (value >>> 55 != 0) {
          return -1;
        }
        value = value << 8 | header[i] & 0xFF;
      }
      return value;
    }
    String digits = text(header, from, length).strip();
    return digits.matches("[0-7]{1,12}") ? Long.parseLong(digits, 8) : -1;
  }

  private static boolean isZero(byte[] block) {
    for (byte b : block) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  private static String name(byte[] header) {
    String name = text(header, 0, 100);
    boolean posix = header[262] == 0 && text(header, 257, 5).equals("ustar");
    String prefix = posix ? text(header, 345, 155) : "";
    return prefix.isEmpty() ? name : prefix + "/" + name;
  }

  private static String text(byte[] bytes, int from) {
    return text(bytes, from, bytes.length - from);
  }

  private static String text(byte[] bytes, int from, int limit) {
    int end = from;
    while (end < from + limit && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, from, end - from, StandardCharsets.UTF_8);
  }

  private record Pax(String path, long size, boolean sparse) {
    boolean isNone() {
      return path == null && size < 0 && !sparse;
    }
  }

  /** Records of "LENGTH KEY=VALUE\n", the length in bytes and counting itself. */
  private static Pax pax(byte[] records, long at) throws DamagedException {
    String path = null;
    long size = -1;
    boolean sparse = false;
    int start = 0;
    while (start < records.length && records[start] != 0) {
      int digit = start;
      long length = 0;
      while (digit < records.length && records[digit] >= '0' && records[digit] <= '9') {
        length = Math.min(Integer.MAX_VALUE, 10 * length + records[digit++] - '0');
      }
      int end = (int) Math.min(Integer.MAX_VALUE, start + length);
      if (end > records.length || end <= digit + 1 || records[digit] != ' ') {
        throw new DamagedException("has a damaged pax header at byte " + at);
      }
      String record = new String(records, digit + 1, end - digit - 2, StandardCharsets.UTF_8);
      int equals = record.indexOf('=');
      String key = equals < 0 ? "" : record.substring(0, equals);
      String value = record.substring(equals + 1);
      if (key.equals("path")) {
        limited(value.length(), MAX_NAME_BYTES, at);
        path = value;
      } else if (key.equals("size")) {
        if (!value.matches("[0-9]{1,18}")) {
          throw new DamagedException("has a damaged pax header at byte " + at);
        }
        size = Long.parseLong(value);
      } else if (key.startsWith("GNU.sparse.")) {
        sparse = true;
      }
      start = end;
    }
    return new Pax(path, size, sparse);
  }

  private byte[] read(long at, int count, String what) throws IOException {
    if (at + count > length) {
      throw new DamagedException(
          "is cut off: " + what + " should stand at byte " + at + " of " + length);
    }
    byte[] bytes = new byte[count];
    for (int done = 0; done < count; ) {
      long offset = at + done - bufferStart;
      if (offset < 0 || offset >= buffer.limit()) {
        fill(at + done);
        offset = 0;
      }
      int part = Math.min(count - done, buffer.limit() - (int) offset);
      buffer.get((int) offset, bytes, done, part);
      done += part;
    }
    return bytes;
  }

  private void fill(long at) throws IOException {
    buffer.clear();
    int read = channel.read(buffer, at);
    if (read <= 0) {
      buffer.limit(0);
      throw new DamagedException("became shorter while it was read");
    }
    buffer.flip();
    bufferStart = at;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
