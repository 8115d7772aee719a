package org.clip4j.weights.pytorch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.clip4j.weights.tensors.CheckpointException;

/**
 * The bytes of one or more pickles within a file, read through a small window, and the account of
 * what is made of them.
 */
final class PickleInput {
  /** A pickle takes about 150 bytes a tensor. */
  private static final long MAX_BYTES = 16L << 20;

  /** About the bytes that values may take; a checkpoint of a thousand tensors needs one MB. */
  static final long MAX_MEMORY = 64L << 20;

  private static final int MAX_LINE = 1000;
  private static final int WINDOW_BYTES = 1 << 15;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer window;
  private final long end;
  private long memory;
  private long next; // position in the file of what comes after the window

  /** Reads from one position of the file to at most another. */
  PickleInput(Path file, FileChannel channel, long begin, long end) {
    this.file = file;
    this.channel = channel;
    this.end = Math.min(end, begin + MAX_BYTES);
    next = begin;
    int size = (int) Math.max(Long.BYTES, Math.min(WINDOW_BYTES, this.end - begin));
    window = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).limit(0);
  }

  /** The position in the file of the next byte. */
  long position() {
    return next - window.remaining();
  }

  private void need(int count) throws IOException {
    if (window.remaining() >= count) {
      return;
    }
    window.compact();
    int room = (int) Math.min(window.remaining(), end - next);
    window.limit(window.position() + room);
    while (window.position() < count && window.hasRemaining()) {
      int read = channel.read(window, next);
      if (read < 0) {
        break;
      }
      next += read;
    }
    window.flip();
    if (window.remaining() < count) {
      throw bad("its pickle ends too early, or has more than " + MAX_BYTES + " bytes");
    }
  }

  int u8() throws IOException {
    need(1);
    return window.get() & 0xFF;
  }

  int u16() throws IOException {
    need(2);
    return window.getShort() & 0xFFFF;
  }

  int i32() throws IOException {
    need(4);
    return window.getInt();
  }

  long i64() throws IOException {
    need(8);
    return window.getLong();
  }

  /** The one number that pickles hold in big-endian order. */
  double f64() throws IOException {
    return Double.longBitsToDouble(Long.reverseBytes(i64()));
  }

  /** Checks a length from the file before anything is allocated by it. */
  int length(long count) throws CheckpointException {
    if (count < 0 || count > end - position()) {
      throw bad(
          "its pickle claims "
              + Long.toUnsignedString(count)
              + " bytes where "
              + (end - position())
              + " are left");
    }
    return (int) count;
  }

  byte[] bytes(long count) throws IOException {
    byte[] bytes = new byte[length(count)];
    for (int done = 0; done < bytes.length; ) {
      need(1);
      int part = Math.min(window.remaining(), bytes.length - done);
      window.get(bytes, done, part);
      done += part;
    }
    return bytes;
  }

  String text(long count) throws IOException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(count))).toString();
    } catch (CharacterCodingException e) {
      throw bad("its pickle holds a text that is not UTF-8");
    }
  }

  /** The ASCII text before the next line feed. */
  String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = u8(); c != '\n'; c = u8()) {
      if (line.length() == MAX_LINE) {
        throw bad("its pickle has a name of more than " + MAX_LINE + " bytes");
      }
      line.append((char) c);
    }
    return line.toString();
  }

  /** Counts what a value takes, before it is made. */
  void charge(long bytes) throws CheckpointException {
    memory += bytes;
    if (memory > MAX_MEMORY) {
      throw bad("its pickle would take more than " + MAX_MEMORY + " bytes of memory");
    }
  }

  CheckpointException bad(String what) {
    return PyTorchArchive.bad(file, what);
  }
}
