package org.clip4j.weights;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a safetensors file tensor by tensor, holding none of them. The header and the order of the
 * values are those of the Python library: wider types first, then by name, the header padded with
 * spaces to 8 bytes.
 *
 * <p>Not safe for use by several threads. Closing it without {@link #commit} leaves the file as it
 * was before, or absent.
 */
public final class SafeTensorsWriter implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;

  private final StagedFiles staged;
  private final boolean ownsStaged;
  private final Path file;
  private final FileChannel channel;
  private final Map<String, TensorInfo> tensors;
  private final Set<String> missing;
  private final long dataStart;
  private final ByteBuffer chunk =
      ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * One tensor to write.
   *
   * @param name unique in the file
   * @param type F32, or I64 for whole numbers
   * @param shape its dimensions; empty for a scalar
   */
  public record Entry(String name, TensorType type, long... shape) {}

  /**
   * Starts a file beside the one it is to replace.
   *
   * @param file is created or replaced by {@link #commit}
   * @param entries all tensors that will be written
   * @param metadata free text; {@code format} is set to {@code pt}, as Python's readers want it
   */
  public static SafeTensorsWriter create(
      Path file, Collection<Entry> entries, Map<String, String> metadata) throws IOException {
    StagedFiles staged = new StagedFiles();
    try {
      return new SafeTensorsWriter(staged, true, file, entries, metadata);
    } catch (IOException | RuntimeException e) {
      staged.close();
      throw e;
    }
  }

  /** As {@link #create}, as one of several files that are committed together. */
  static SafeTensorsWriter stage(
      StagedFiles staged, Path file, Collection<Entry> entries, Map<String, String> metadata)
      throws IOException {
    return new SafeTensorsWriter(staged, false, file, entries, metadata);
  }

  private SafeTensorsWriter(
      StagedFiles staged,
      boolean ownsStaged,
      Path file,
      Collection<Entry> entries,
      Map<String, String> metadata)
      throws IOException {
    this.staged = staged;
    this.ownsStaged = ownsStaged;
    this.file = file;
    tensors = layOut(entries);
    missing = new LinkedHashSet<>(tensors.keySet());
    byte[] header = header(tensors.values(), metadata);
    dataStart = 8 + header.length;
    channel = staged.create(file);
    ByteBuffer start =
        ByteBuffer.allocate(8 + header.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header)
            .flip();
    writeFully(start, 0);
  }

  private static Map<String, TensorInfo> layOut(Collection<Entry> entries) {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparing(Entry::type).reversed().thenComparing(Entry::name));
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    long at = 0;
    for (Entry entry : sorted) {
      if (entry.type() != TensorType.F32 && entry.type() != TensorType.I64) {
        throw new IllegalArgumentException(
            "'" + entry.name() + "' is to be written as " + entry.type() + "; use F32 or I64");
      }
      long bytes = entry.type().size();
      for (long dim : entry.shape()) {
        if (dim < 0) {
          throw new IllegalArgumentException(
              "'" + entry.name() + "' has a negative shape " + Arrays.toString(entry.shape()));
        }
        bytes = Math.multiplyExact(bytes, dim);
      }
      TensorInfo info =
          new TensorInfo(entry.name(), entry.type(), entry.shape().clone(), at, at + bytes);
      if (tensors.put(entry.name(), info) != null) {
        throw new IllegalArgumentException("'" + entry.name() + "' is to be written twice");
      }
      at += bytes;
    }
    return tensors;
  }

  private static byte[] header(Collection<TensorInfo> tensors, Map<String, String> metadata)
      throws IOException {
    StringWriter text = new StringWriter();
    JsonWriter json = new JsonWriter(text);
    json.setHtmlSafe(false);
    json.beginObject();
    json.name("__metadata__").beginObject();
    json.name("format").value("pt");
    for (Map.Entry<String, String> entry : metadata.entrySet()) {
      if (!entry.getKey().equals("format")) {
        json.name(entry.getKey()).value(entry.getValue());
      }
    }
    json.endObject();
    for (TensorInfo info : tensors) {
      json.name(info.name()).beginObject();
      json.name("dtype").value(info.type().name());
      json.name("shape").beginArray();
      for (long dim : info.shape()) {
        json.value(dim);
      }
      json.endArray();
      json.name("data_offsets").beginArray().value(info.begin()).value(info.end()).endArray();
      json.endObject();
    }
    json.endObject();
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(bytes, (bytes.length + 7) / 8 * 8);
    Arrays.fill(padded, bytes.length, padded.length, (byte) ' ');
    return padded;
  }

  /**
   * Writes the values of one tensor; tensors may come in any order.
   *
   * @param values as many as the tensor has elements; the buffer's position is left alone
   */
  public void write(String name, FloatBuffer values) throws IOException {
    TensorInfo info = tensors.get(name);
    if (info == null || !missing.contains(name)) {
      throw new IllegalArgumentException(
          "'" + name + "' was " + (info == null ? "not announced" : "already written"));
    }
    FloatBuffer rest = values.duplicate();
    if (rest.remaining() != info.count()) {
      throw new IllegalArgumentException(
          "'"
              + name
              + "' "
              + Arrays.toString(info.shape())
              + " needs "
              + info.count()
              + " values, found "
              + rest.remaining());
    }
    long at = dataStart + info.begin();
    int perChunk = CHUNK_BYTES / info.type().size();
    while (rest.hasRemaining()) {
      int count = Math.min(perChunk, rest.remaining());
      chunk.clear();
      if (info.type() == TensorType.F32) {
        FloatBuffer part = rest.slice(rest.position(), count);
        chunk.asFloatBuffer().put(part);
        rest.position(rest.position() + count);
      } else {
        for (int i = 0; i < count; i++) {
          chunk.putLong(i * Long.BYTES, wholeNumber(name, rest.get()));
        }
      }
      chunk.limit(count * info.type().size());
      at += writeFully(chunk, at);
    }
    missing.remove(name);
  }

  private static long wholeNumber(String name, float value) {
    long whole = (long) value;
    if (whole != value) {
      throw new IllegalArgumentException(
          "'" + name + "' is stored as I64 but holds " + value + ", not a whole number");
    }
    return whole;
  }

  private int writeFully(ByteBuffer bytes, long at) throws IOException {
    int written = 0;
    while (bytes.hasRemaining()) {
      written += channel.write(bytes, at + written);
    }
    return written;
  }

  /** Checks that every tensor was written, syncs, and puts the file in its place in one step. */
  public void commit() throws IOException {
    finish();
    if (ownsStaged) {
      staged.commit();
    }
  }

  /** Checks that every tensor was written. */
  void finish() {
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          missing.size() + " tensors of " + file + " were not written, the first " + first());
    }
  }

  private String first() {
    return "'" + missing.iterator().next() + "'";
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    if (ownsStaged) {
      staged.close();
    }
  }
}
