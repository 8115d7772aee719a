package org.clip4j.weights.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.clip4j.io.IoErrors;
import org.clip4j.weights.internal.ValueReader;
import org.clip4j.weights.safetensors.SafeTensorsHeader.Span;
import org.clip4j.weights.tensors.CheckpointException;
import org.clip4j.weights.tensors.TensorFile;
import org.clip4j.weights.tensors.TensorInfo;

/**
 * Reads a safetensors file: opening it reads the header alone.
 *
 * <p>The header is checked as hostile input: tensors lie inside the file, one after the other,
 * without holes or overlaps, and their sizes agree with their shapes (the format's own rules, see
 * <a href="https://github.com/huggingface/safetensors">huggingface/safetensors</a>).
 */
public final class SafeTensors implements TensorFile {
  private final Path file;
  private final FileChannel channel;
  private final SafeTensorsHeader header;
  private final ValueReader reader;

  private SafeTensors(Path file, FileChannel channel, SafeTensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
    reader = new ValueReader(file, channel);
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws CheckpointException if the file is not valid; the message names the file and the tensor
   */
  public static SafeTensors open(Path file) throws IOException {
    return IoErrors.worded(file, () -> openFile(file));
  }

  private static SafeTensors openFile(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return new SafeTensors(file, channel, SafeTensorsHeader.read(file, channel));
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public Path file() {
    return file;
  }

  /**
   * Returns what the file holds, by name, in the order of the values in the file; not modifiable.
   */
  @Override
  public Map<String, TensorInfo> tensors() {
    return header.tensors;
  }

  /** Returns the free text under {@code __metadata__}; not modifiable. */
  public Map<String, String> metadata() {
    return header.metadata;
  }

  @Override
  public void copy(String name, long from, FloatBuffer target, boolean finite) {
    Span span = span(name);
    reader.copy(span.info(), header.dataStart + span.begin(), from, target, finite);
  }

  @Override
  public long[] longs(String name) {
    Span span = span(name);
    return reader.longs(span.info(), header.dataStart + span.begin());
  }

  /**
   * Returns the bytes of a tensor as they are in the file.
   *
   * @return a new little-endian buffer
   * @throws IllegalArgumentException if there is no such tensor or it exceeds 2 GiB
   */
  public ByteBuffer bytes(String name) {
    Span span = span(name);
    long count = span.end() - span.begin();
    if (count > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          file + ": '" + name + "' has " + count + " bytes; one buffer holds 2 GiB at most");
    }
    ByteBuffer bytes = ByteBuffer.allocate((int) count).order(ByteOrder.LITTLE_ENDIAN);
    reader.read(bytes, header.dataStart + span.begin(), (int) count);
    return bytes;
  }

  private Span span(String name) {
    Span span = header.spans.get(name);
    if (span == null) {
      throw new IllegalArgumentException(file + " has no tensor '" + name + "'");
    }
    return span;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
