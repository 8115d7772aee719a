package org.clip4j.weights.safetensors;

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
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.clip4j.io.StagedFiles;
import org.clip4j.model.ParameterSource;
import org.clip4j.weights.internal.Numbers;
import org.clip4j.weights.safetensors.SafeTensorsHeader.Span;
import org.clip4j.weights.tensors.TensorInfo;
import org.clip4j.weights.tensors.TensorType;
import org.jspecify.annotations.Nullable;

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

  private static final Set<TensorType> WRITABLE =
      EnumSet.of(TensorType.I8, TensorType.F16, TensorType.BF16, TensorType.F32, TensorType.I64);

  private final @Nullable StagedFiles staged; // null: the channel is somebody else's
  private final Path file;
  private final FileChannel channel;
  private final Map<String, Span> tensors;
  private final Set<String> missing;
  private final long dataStart;

  // Not a direct buffer: a training that saves often would pile them up until Java collects them.
  private final ByteBuffer chunk =
      ByteBuffer.allocate(CHUNK_BYTES / Float.BYTES * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * Describes one tensor to write.
   *
   * @param name unique in the file
   * @param type F32, F16 or BF16 (rounded to the nearest, to even where halfway), or I8 or I64 for
   *     whole numbers
   * @param shape its dimensions; empty for a scalar
   */
  public record Entry(String name, TensorType type, List<Long> shape) {

    /** Copies the shape. */
    public Entry {
      shape = List.copyOf(shape);
    }

    /** Takes the dimensions one by one. */
    public Entry(String name, TensorType type, long... shape) {
      this(name, type, Arrays.stream(shape).boxed().toList());
    }

    /** Counts the elements. */
    public long count() {
      return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }
  }

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
      return new SafeTensorsWriter(staged, staged.create(file), file, entries, metadata);
    } catch (IOException | RuntimeException e) {
      staged.close();
      throw e;
    }
  }

  /**
   * Writes to a channel that is somebody else's: {@link #commit} only checks that all is written.
   *
   * @param file for messages
   */
  public static SafeTensorsWriter to(
      FileChannel channel, Path file, Collection<Entry> entries, Map<String, String> metadata)
      throws IOException {
    return new SafeTensorsWriter(null, channel, file, entries, metadata);
  }

  private SafeTensorsWriter(
      @Nullable StagedFiles staged,
      FileChannel channel,
      Path file,
      Collection<Entry> entries,
      Map<String, String> metadata)
      throws IOException {
    this.staged = staged;
    this.channel = channel;
    this.file = file;
    tensors = layOut(entries);
    missing = new LinkedHashSet<>(tensors.keySet());
    byte[] header = header(tensors.values(), metadata);
    dataStart = 8 + header.length;
    ByteBuffer start =
        ByteBuffer.allocate(8 + header.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header)
            .flip();
    writeFully(start, 0);
  }

  private static Map<String, Span> layOut(Collection<Entry> entries) {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparing(Entry::type).reversed().thenComparing(Entry::name));
    Map<String, Span> tensors = new LinkedHashMap<>();
    long at = 0;
    for (Entry entry : sorted) {
      if (!WRITABLE.contains(entry.type())) {
        throw new IllegalArgumentException(
            "'" + entry.name() + "' is to be written as " + entry.type() + "; use " + WRITABLE);
      }
      long bytes = entry.type().size();
      for (long dim : entry.shape()) {
        if (dim < 0) {
          throw new IllegalArgumentException(
              "'" + entry.name() + "' has a negative shape " + entry.shape());
        }
        bytes = Math.multiplyExact(bytes, dim);
      }
      TensorInfo info = new TensorInfo(entry.name(), entry.type(), entry.shape());
      if (tensors.put(entry.name(), new Span(info, at, at + bytes)) != null) {
        throw new IllegalArgumentException("'" + entry.name() + "' is to be written twice");
      }
      at += bytes;
    }
    return tensors;
  }

  private static byte[] header(Collection<Span> tensors, Map<String, String> metadata)
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
    for (Span span : tensors) {
      TensorInfo info = span.info();
      json.name(info.name()).beginObject();
      json.name("dtype").value(info.type().name());
      json.name("shape").beginArray();
      for (long dim : info.shape()) {
        json.value(dim);
      }
      json.endArray();
      json.name("data_offsets").beginArray().value(span.begin()).value(span.end()).endArray();
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
    TensorInfo info = next(name).info();
    if (values.remaining() != info.count()) {
      throw new IllegalArgumentException(
          "'"
              + name
              + "' "
              + info.shape()
              + " needs "
              + info.count()
              + " values, found "
              + values.remaining());
    }
    write(name, any -> values.duplicate());
  }

  /** Writes the values of one tensor of any size, which a source has under the same name. */
  public void write(String name, ParameterSource source) throws IOException {
    Span span = next(name);
    TensorInfo info = span.info();
    FloatBuffer values = FloatBuffer.allocate(CHUNK_BYTES / Float.BYTES);
    long at = dataStart + span.begin();
    for (long from = 0; from < info.count(); from += values.limit()) {
      values.clear().limit((int) Math.min(values.capacity(), info.count() - from));
      source.copy(name, from, values);
      chunk.clear();
      fill(info, values.flip());
      chunk.limit(values.limit() * info.type().size());
      at += writeFully(chunk, at);
    }
    missing.remove(name);
  }

  private Span next(String name) {
    Span span = tensors.get(name);
    if (span == null || !missing.contains(name)) {
      throw new IllegalArgumentException(
          "'" + name + "' was " + (span == null ? "not announced" : "already written"));
    }
    return span;
  }

  private void fill(TensorInfo info, FloatBuffer part) {
    if (info.type() == TensorType.F32) {
      chunk.asFloatBuffer().put(part);
      return;
    }
    int count = part.remaining();
    for (int i = 0; i < count; i++) {
      float value = part.get();
      switch (info.type()) {
        case F16 -> chunk.putShort(2 * i, narrow(info, value, Numbers.floatToHalf(value)));
        case BF16 -> chunk.putShort(2 * i, narrow(info, value, Numbers.floatToBfloat(value)));
        case I8 -> chunk.put(i, smallNumber(info.name(), value));
        default -> chunk.putLong(Long.BYTES * i, wholeNumber(info.name(), value));
      }
    }
  }

  /** PyTorch makes an infinity of what is too large; a checkpoint would be ruined silently. */
  private static short narrow(TensorInfo info, float value, short bits) {
    boolean half = info.type() == TensorType.F16;
    short infinity = half ? Numbers.HALF_INFINITY : Numbers.BFLOAT_INFINITY;
    if ((bits & 0x7FFF) == infinity && !Float.isInfinite(value)) {
      throw new IllegalArgumentException(
          "'"
              + info.name()
              + "' is stored as "
              + info.type()
              + " but holds "
              + value
              + ", which is too large for it; store it as F32");
    }
    return bits;
  }

  private static long wholeNumber(String name, float value) {
    long whole = (long) value;
    if (whole != value) {
      throw new IllegalArgumentException(
          "'" + name + "' is stored as an integer but holds " + value + ", not a whole number");
    }
    return whole;
  }

  private static byte smallNumber(String name, float value) {
    long whole = wholeNumber(name, value);
    if (whole != (byte) whole) {
      throw new IllegalArgumentException(
          "'" + name + "' is stored as I8 but holds " + value + ", not from -128 to 127");
    }
    return (byte) whole;
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
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          missing.size()
              + " tensors of "
              + file
              + " were not written, the first '"
              + missing.iterator().next()
              + "'");
    }
    if (staged != null) {
      staged.commit();
    }
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    if (staged != null) {
      staged.close();
    }
  }
}
