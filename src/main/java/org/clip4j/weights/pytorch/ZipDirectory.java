package org.clip4j.weights.pytorch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.clip4j.io.FileBytes;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * Where the entries of a zip file lie, read without trusting it (PKWARE's APPNOTE.TXT 6.3, with
 * zip64). Only stored entries can be read, which is how PyTorch writes its tensors; their bytes are
 * then read from the file in place.
 *
 * <p>Not {@code java.util.zip}, which tells no entry's position. Checksums are not compared:
 * PyTorch can be told not to compute them.
 */
final class ZipDirectory {
  private static final int END = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int ZIP64_LOCATOR = 0x07064b50;
  private static final int ZIP64_LOCATOR_BYTES = 20;
  private static final int ZIP64_END = 0x06064b50;
  private static final int ZIP64_END_BYTES = 56;
  private static final int CENTRAL = 0x02014b50;
  private static final int CENTRAL_BYTES = 46;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_BYTES = 30;
  private static final long UNSIGNED_INT = 0xFFFFFFFFL;

  private static final int MAX_COMMENT_BYTES = 0xFFFF;
  private static final int MAX_DIRECTORY_BYTES = 16 << 20;
  private static final int MAX_ENTRIES = 150_000;

  private final Path file;
  private final FileChannel channel;
  private final long fileBytes;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /**
   * One entry as the directory describes it.
   *
   * @param stored whether its bytes are in the file as they are
   * @param bytes in the file
   * @param header position of its local header
   * @param limit position that it ends before, where the next entry or the directory begins
   */
  private record Entry(
      String name, int nameBytes, boolean stored, long bytes, long header, long limit) {}

  /** Bytes of the file. */
  record Range(long begin, long end) {
    long size() {
      return end - begin;
    }
  }

  private ZipDirectory(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    fileBytes = channel.size();
  }

  /** Reads and checks the directory of an open file. */
  static ZipDirectory read(Path file, FileChannel channel) throws IOException {
    ZipDirectory zip = new ZipDirectory(file, channel);
    zip.readEntries(zip.findDirectory());
    return zip;
  }

  /** The name of the entry that the directory lists first. */
  String firstName() throws CheckpointException {
    if (entries.isEmpty()) {
      throw bad("it has no entries");
    }
    return entries.keySet().iterator().next();
  }

  boolean has(String name) {
    return entries.containsKey(name);
  }

  /** Where the bytes of a stored entry lie. */
  Range range(String name) throws IOException {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw bad("it has no entry " + IoErrors.quote(name));
    }
    String quoted = IoErrors.quote(name);
    if (!entry.stored) {
      throw bad("its entry " + quoted + " is compressed or encrypted; PyTorch stores it as it is");
    }
    ByteBuffer local = bytes(entry.header, LOCAL_BYTES);
    if (local.getInt(0) != LOCAL || u16(local, 26) != entry.nameBytes) {
      throw bad("its entry " + quoted + " has no header at byte " + entry.header);
    }
    long begin = entry.header + LOCAL_BYTES + entry.nameBytes + u16(local, 28);
    long end = begin + entry.bytes;
    if (end > entry.limit) {
      throw bad(
          "its entry "
              + quoted
              + " ends at byte "
              + end
              + " but what follows begins at "
              + entry.limit);
    }
    return new Range(begin, end);
  }

  /** Where the directory lies, and how many entries it says it has. */
  private record Directory(Range range, long count) {}

  private Directory findDirectory() throws IOException {
    int tail = (int) Math.min(fileBytes, END_BYTES + MAX_COMMENT_BYTES);
    ByteBuffer last = bytes(fileBytes - tail, tail);
    int at = tail - END_BYTES;
    while (at >= 0 && !(last.getInt(at) == END && u16(last, at + 20) == tail - END_BYTES - at)) {
      at--;
    }
    if (at < 0) {
      throw bad("its end, which lists what it holds, is missing; was the download cut short?");
    }
    long end = fileBytes - tail + at;
    long count = u16(last, at + 10);
    long size = u32(last, at + 12);
    long offset = u32(last, at + 16);
    boolean split = u16(last, at + 4) != 0 || u16(last, at + 6) != 0;
    if (end >= ZIP64_LOCATOR_BYTES) {
      ByteBuffer locator = bytes(end - ZIP64_LOCATOR_BYTES, ZIP64_LOCATOR_BYTES);
      if (locator.getInt(0) == ZIP64_LOCATOR) {
        long at64 = locator.getLong(8);
        if (at64 < 0 || at64 > end - ZIP64_LOCATOR_BYTES - ZIP64_END_BYTES) {
          throw bad("its zip64 record is said to be at byte " + Long.toUnsignedString(at64));
        }
        ByteBuffer end64 = bytes(at64, ZIP64_END_BYTES);
        if (end64.getInt(0) != ZIP64_END) {
          throw bad("it has no zip64 record at byte " + at64);
        }
        split = end64.getInt(16) != 0 || end64.getInt(20) != 0;
        count = agreed(count, 0xFFFF, end64.getLong(32));
        size = agreed(size, UNSIGNED_INT, end64.getLong(40));
        offset = agreed(offset, UNSIGNED_INT, end64.getLong(48));
        end = at64;
      }
    }
    if (split) {
      throw bad("it is one part of several");
    }
    if (count < 0 || count > MAX_ENTRIES || size < 0 || size > MAX_DIRECTORY_BYTES) {
      throw bad(
          "its directory claims "
              + Long.toUnsignedString(count)
              + " entries in "
              + Long.toUnsignedString(size)
              + " bytes; at most "
              + MAX_ENTRIES
              + " in "
              + MAX_DIRECTORY_BYTES
              + " are read");
    }
    if (offset < 0 || offset > end - size || count * CENTRAL_BYTES > size) {
      throw bad(
          "its directory of "
              + count
              + " entries is said to be "
              + size
              + " bytes at "
              + Long.toUnsignedString(offset)
              + ", which cannot be");
    }
    return new Directory(new Range(offset, offset + size), count);
  }

  /** A field of the old record must say the same as that of zip64, or that one is to be asked. */
  private long agreed(long old, long ask, long value) throws CheckpointException {
    if (old != ask && old != value) {
      throw bad("its two directories disagree: " + old + " and " + Long.toUnsignedString(value));
    }
    return value;
  }

  private void readEntries(Directory directory) throws IOException {
    Range range = directory.range;
    ByteBuffer bytes = bytes(range.begin, (int) range.size());
    List<Entry> found = new ArrayList<>();
    while (bytes.hasRemaining()) {
      found.add(readEntry(bytes, range.begin));
    }
    if (found.size() != directory.count) {
      throw bad("its directory has " + found.size() + " entries, not " + directory.count);
    }
    List<Entry> sorted = new ArrayList<>(found);
    sorted.sort(Comparator.comparingLong(Entry::header).reversed());
    Map<String, Entry> limited = new LinkedHashMap<>();
    long limit = range.begin;
    for (Entry entry : sorted) {
      String quoted = IoErrors.quote(entry.name);
      if (entry.bytes > limit - entry.header - LOCAL_BYTES - entry.nameBytes) {
        throw bad("its entry " + quoted + " overlaps what follows at byte " + limit);
      }
      Entry ends =
          new Entry(entry.name, entry.nameBytes, entry.stored, entry.bytes, entry.header, limit);
      if (limited.put(entry.name, ends) != null) {
        throw bad("its entry " + quoted + " is there twice");
      }
      limit = entry.header;
    }
    found.forEach(entry -> entries.put(entry.name, limited.get(entry.name)));
  }

  private Entry readEntry(ByteBuffer bytes, long directoryBegin) throws CheckpointException {
    int at = bytes.position();
    if (bytes.remaining() < CENTRAL_BYTES || bytes.getInt(at) != CENTRAL) {
      throw bad("its directory is damaged at byte " + (directoryBegin + at));
    }
    boolean encrypted = (u16(bytes, at + 8) & 1) != 0;
    int method = u16(bytes, at + 10);
    long packed = u32(bytes, at + 20);
    long unpacked = u32(bytes, at + 24);
    int nameBytes = u16(bytes, at + 28);
    int extraBytes = u16(bytes, at + 30);
    int commentBytes = u16(bytes, at + 32);
    long header = u32(bytes, at + 42);
    if (bytes.remaining() < CENTRAL_BYTES + nameBytes + extraBytes + commentBytes) {
      throw bad("its directory is cut short at byte " + (directoryBegin + at));
    }
    byte[] name = new byte[nameBytes];
    bytes.position(at + CENTRAL_BYTES).get(name);
    ByteBuffer extra = bytes.slice(bytes.position(), extraBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + extraBytes + commentBytes);
    ByteBuffer wide = zip64Fields(extra);
    unpacked = widened(unpacked, wide);
    packed = widened(packed, wide);
    header = widened(header, wide);
    String text = new String(name, StandardCharsets.UTF_8);
    if (packed < 0 || unpacked < 0 || header < 0 || header > directoryBegin - LOCAL_BYTES) {
      throw bad("its entry " + IoErrors.quote(text) + " lies outside the file");
    }
    boolean stored = method == 0 && !encrypted && packed == unpacked;
    return new Entry(text, nameBytes, stored, packed, header, 0);
  }

  /** The zip64 part of an entry's extra fields; empty if it has none. */
  private static ByteBuffer zip64Fields(ByteBuffer extra) {
    while (extra.remaining() >= 4) {
      int id = extra.getShort() & 0xFFFF;
      int size = Math.min(extra.getShort() & 0xFFFF, extra.remaining());
      if (id == 1) {
        return extra.slice(extra.position(), size).order(ByteOrder.LITTLE_ENDIAN);
      }
      extra.position(extra.position() + size);
    }
    return ByteBuffer.allocate(0);
  }

  /** A field that does not fit 32 bits is all ones, and the next of the zip64 fields has it. */
  private static long widened(long value, ByteBuffer wide) {
    if (value != UNSIGNED_INT) {
      return value;
    }
    return wide.remaining() < Long.BYTES ? -1 : wide.getLong();
  }

  private ByteBuffer bytes(long at, int count) throws IOException {
    ByteBuffer bytes = FileBytes.read(channel, at, count);
    if (bytes.remaining() < count) {
      throw bad("it became shorter while it was read");
    }
    return bytes;
  }

  private static int u16(ByteBuffer bytes, int at) {
    return bytes.getShort(at) & 0xFFFF;
  }

  private static long u32(ByteBuffer bytes, int at) {
    return bytes.getInt(at) & UNSIGNED_INT;
  }

  private CheckpointException bad(String what) {
    return PyTorchArchive.bad(file, what);
  }
}
