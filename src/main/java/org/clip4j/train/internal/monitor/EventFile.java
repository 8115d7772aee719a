package org.clip4j.train.internal.monitor;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Scalars in the file format that TensorBoard reads: TFRecords (length, its checksum, data, its
 * checksum; tensorflow/core/lib/io/record_writer.h) of Event messages in protocol buffers' wire
 * format (tensorboard/compat/proto/event.proto and summary.proto).
 */
final class EventFile implements Closeable {
  private static final String SUFFIX = ".clip4j";

  // Wire types of protocol buffers.
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private final RandomAccessFile out; // a channel would close when the thread is interrupted

  private EventFile(RandomAccessFile out) {
    this.out = out;
  }

  /**
   * Begins a file of its own name in a folder. After step 0 the files that earlier trainings wrote
   * there are deleted; after any other, TensorBoard is told to forget what they have of later
   * steps.
   */
  static EventFile open(Path folder, long step, Instant now) throws IOException {
    Files.createDirectories(folder);
    if (step == 0) {
      try (DirectoryStream<Path> old =
          Files.newDirectoryStream(folder, "events.out.tfevents.*" + SUFFIX)) {
        for (Path file : old) {
          Files.delete(file);
        }
      }
    }
    EventFile events = new EventFile(create(folder, now.getEpochSecond()));
    try {
      events.write(event(now, 0, version()));
      if (step > 0) {
        events.write(event(now, step + 1, restart()));
      }
      return events;
    } catch (IOException e) {
      events.close();
      throw e;
    }
  }

  /** TensorBoard reads the files in the order of their names. */
  private static RandomAccessFile create(Path folder, long seconds) throws IOException {
    for (int i = 0; ; i++) {
      String name =
          String.format(Locale.ROOT, "events.out.tfevents.%010d.%d%s", seconds, i, SUFFIX);
      File file = folder.resolve(name).toFile();
      if (file.createNewFile()) { // else another of the same second
        return new RandomAccessFile(file, "rw");
      }
    }
  }

  /** Appends the values of a step, by tag. */
  void add(Instant time, long step, Map<String, Float> values) throws IOException {
    write(event(time, step, summary(values)));
  }

  private void write(byte[] event) throws IOException {
    MetricsFile.append(out, record(event));
  }

  static byte[] record(byte[] data) {
    ByteBuffer record = ByteBuffer.allocate(8 + 4 + data.length + 4).order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(maskedChecksum(record.array(), 8));
    record.put(data);
    record.putInt(maskedChecksum(data, data.length));
    return record.array();
  }

  /** Masked, since checksums of data that hold checksums are weak (record_writer.h). */
  private static int maskedChecksum(byte[] data, int length) {
    CRC32C sum = new CRC32C();
    sum.update(data, 0, length);
    return Integer.rotateRight((int) sum.getValue(), 15) + 0xa282ead8;
  }

  /** Event { double wall_time = 1; int64 step = 2; and one of the contents below. } */
  static byte[] event(Instant time, long step, byte[] content) {
    Message event = new Message();
    event.fixed64(1, Double.doubleToLongBits(time.getEpochSecond() + time.getNano() / 1e9));
    if (step != 0) {
      event.varint(2, step);
    }
    return event.append(content).bytes();
  }

  /** Event.file_version = 3. */
  private static byte[] version() {
    return new Message().bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8)).bytes();
  }

  /** Event.session_log = 7, SessionLog { status = 1: START = 1 }. */
  private static byte[] restart() {
    return new Message().bytes(7, new Message().varint(1, 1).bytes()).bytes();
  }

  /** Event.summary = 5, Summary { value = 1 { tag = 1; simple_value = 2 } }. */
  static byte[] summary(Map<String, Float> values) {
    Message summary = new Message();
    values.forEach(
        (tag, value) ->
            summary.bytes(
                1,
                new Message()
                    .bytes(1, tag.getBytes(StandardCharsets.UTF_8))
                    .fixed32(2, Float.floatToIntBits(value))
                    .bytes()));
    return new Message().bytes(5, summary.bytes()).bytes();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  /** A message in protocol buffers' wire format. */
  private static final class Message {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Message varint(int field, long value) {
      key(field, VARINT);
      number(value);
      return this;
    }

    Message fixed64(int field, long value) {
      key(field, FIXED64);
      out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
      return this;
    }

    Message fixed32(int field, int value) {
      key(field, FIXED32);
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
      return this;
    }

    Message bytes(int field, byte[] value) {
      key(field, BYTES);
      number(value.length);
      return append(value);
    }

    Message append(byte[] encoded) {
      out.writeBytes(encoded);
      return this;
    }

    private void key(int field, int type) {
      number((long) field << 3 | type);
    }

    private void number(long value) {
      long rest = value;
      while ((rest & ~0x7fL) != 0) {
        out.write((int) (rest & 0x7f | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }

    byte[] bytes() {
      return out.toByteArray();
    }
  }
}
