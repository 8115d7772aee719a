package org.clip4j.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * A safetensors file, mapped into memory: opening it reads the header alone, and values are read
 * from the page cache when they are asked for.
 *
 * <p>The header is checked as hostile input: tensors lie inside the file, one after the other,
 * without holes or overlaps, and their sizes agree with their shapes (the format's own rules, see
 * <a href="https://github.com/huggingface/safetensors">huggingface/safetensors</a>).
 *
 * <p>Safe for use by several threads. Whoever opens it closes it; reading afterwards fails. Java 17
 * has no way to unmap a file at once, so address space is given back when the garbage collector
 * finds the buffers unused, which includes those handed out. Until then Windows refuses to replace
 * or delete the file; elsewhere it may be replaced by renaming, and what was opened stays as it
 * was. Do not change a mapped file in place.
 */
public final class SafeTensors implements AutoCloseable {
  private final Path file;
  private final FileChannel channel;
  private final SafeTensorsHeader header;

  private final Map<String, Segment> segmentOf = new HashMap<>();
  private boolean closed;

  /** Whole tensors that are mapped together, since one mapping reaches 2 GiB only. */
  private static final class Segment {
    private final long begin;
    private long end;
    private ByteBuffer buffer; // null until one of its tensors is read

    Segment(long begin) {
      this.begin = begin;
    }
  }

  private SafeTensors(
      Path file, FileChannel channel, SafeTensorsHeader header, long maxSegmentBytes) {
    this.file = file;
    this.channel = channel;
    this.header = header;
    Segment segment = new Segment(0);
    for (TensorInfo info : header.tensors.values()) {
      if (info.end() - segment.begin > maxSegmentBytes) {
        segment = new Segment(info.begin());
      }
      segment.end = info.end();
      segmentOf.put(info.name(), segment);
    }
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws CheckpointException if the file is not valid; the message names the file and the tensor
   */
  public static SafeTensors open(Path file) throws IOException {
    return open(file, Integer.MAX_VALUE);
  }

  /** For tests: as {@link #open(Path)}, mapping pieces of at most so many bytes. */
  static SafeTensors open(Path file, long maxSegmentBytes) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      SafeTensorsHeader header = SafeTensorsHeader.read(file, channel);
      return new SafeTensors(file, channel, header, maxSegmentBytes);
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  /** The file this was opened from. */
  public Path file() {
    return file;
  }

  /** What the file holds, by name, in the order of the values in the file; not modifiable. */
  public Map<String, TensorInfo> tensors() {
    return header.tensors;
  }

  /** The free text under {@code __metadata__}; not modifiable. */
  public Map<String, String> metadata() {
    return header.metadata;
  }

  /**
   * The values of a tensor as floats, row-major.
   *
   * <p>F32 is a view of the file, nothing is copied. F16, BF16 and F64 are converted into a new
   * buffer, as are integers, which are exact up to 2^24.
   *
   * @return a read-only buffer of as many floats as the tensor has elements
   * @throws IllegalArgumentException if there is no such tensor, or its type is none of these
   */
  public FloatBuffer floats(String name) {
    TensorInfo info = info(name);
    TensorType type = info.type();
    ByteBuffer bytes = bytes(name);
    if (type == TensorType.F32) {
      return bytes.asFloatBuffer();
    }
    if (!type.isFloat() && !type.isInteger()) {
      throw new IllegalArgumentException(
          file + ": '" + name + "' is " + type + ", which cannot be read as floats");
    }
    int count = (int) info.count();
    FloatBuffer values = FloatBuffer.allocate(count); // bounded by the size of the file
    for (int i = 0, at = 0; i < count; i++, at += type.size()) {
      values.put(type.isFloat() ? type.floatAt(bytes, at) : type.longAt(bytes, at));
    }
    return values.flip().asReadOnlyBuffer();
  }

  /**
   * The values of an integer tensor, row-major.
   *
   * @throws IllegalArgumentException if there is no such tensor, or it does not hold integers that
   *     fit a long
   */
  public long[] longs(String name) {
    TensorInfo info = info(name);
    TensorType type = info.type();
    if (!type.isInteger()) {
      throw new IllegalArgumentException(
          file + ": '" + name + "' is " + type + ", which cannot be read as integers");
    }
    ByteBuffer bytes = bytes(name);
    long[] values = new long[(int) info.count()];
    for (int i = 0; i < values.length; i++) {
      values[i] = type.longAt(bytes, i * type.size());
    }
    return values;
  }

  /**
   * The bytes of a tensor as they are in the file.
   *
   * @return a read-only, little-endian view
   * @throws IllegalArgumentException if there is no such tensor or it exceeds 2 GiB
   */
  public ByteBuffer bytes(String name) {
    TensorInfo info = info(name);
    Segment segment = segmentOf.get(name);
    ByteBuffer buffer = map(name, segment);
    return buffer
        .slice((int) (info.begin() - segment.begin), (int) (info.end() - info.begin()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private synchronized ByteBuffer map(String name, Segment segment) {
    if (closed) {
      throw new IllegalStateException(file + " was closed; read before closing the checkpoint");
    }
    long bytes = segment.end - segment.begin;
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          file + ": '" + name + "' has " + bytes + " bytes; one tensor may have 2 GiB at most");
    }
    if (segment.buffer == null) {
      try {
        segment.buffer =
            channel.map(FileChannel.MapMode.READ_ONLY, header.dataStart + segment.begin, bytes);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot map " + file + " into memory", e);
      }
    }
    return segment.buffer;
  }

  private TensorInfo info(String name) {
    TensorInfo info = header.tensors.get(name);
    if (info == null) {
      throw new IllegalArgumentException(file + " has no tensor '" + name + "'");
    }
    return info;
  }

  /** Closes the file; buffers handed out stay readable, see the class. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    segmentOf.values().forEach(segment -> segment.buffer = null);
    channel.close();
  }
}
