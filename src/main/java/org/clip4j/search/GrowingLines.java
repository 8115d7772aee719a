package org.clip4j.search;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.clip4j.io.CheckedJson;
import org.clip4j.io.Checksums;

/**
 * A file of lines that is appended to. What counts of it is what the manifest says; the rest is of
 * a process that was killed, and is cut off.
 */
final class GrowingLines implements AutoCloseable {
  private final FileChannel channel;
  private final CRC32C sum;
  private final StringBuilder pending = new StringBuilder();
  private int count;
  private long bytes;

  /**
   * Opens the file, or creates it if nothing of it counts.
   *
   * @throws IOException if what counts is damaged; the message names the file
   */
  GrowingLines(Path file, EmbeddingManifest.Lines counted) throws IOException {
    sum = checked(file, counted);
    count = counted.count();
    bytes = counted.bytes();
    channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    channel.truncate(bytes);
    channel.position(bytes);
  }

  /** Checks the part of a file that counts. */
  static CRC32C checked(Path file, EmbeddingManifest.Lines counted) throws IOException {
    long size = Files.exists(file) ? Files.size(file) : 0;
    CRC32C sum = size == 0 ? new CRC32C() : Checksums.of(file, counted.bytes());
    if (size < counted.bytes() || !CheckedJson.hex(sum.getValue()).equals(counted.crc32c())) {
      throw new IOException(
          file + " is damaged: it is not what " + EmbeddingManifest.FILE + " says");
    }
    return sum;
  }

  static EmbeddingManifest.Lines none() {
    return new EmbeddingManifest.Lines(0, 0, CheckedJson.hex(0));
  }

  /** Adds a line that is not counted. */
  void heading(String line) {
    pending.append(line).append('\n');
  }

  void add(String line) {
    pending.append(line).append('\n');
    count++;
  }

  /** Writes and syncs what was added. */
  EmbeddingManifest.Lines commit() throws IOException {
    if (pending.length() > 0) {
      ByteBuffer added = StandardCharsets.UTF_8.encode(pending.toString());
      pending.setLength(0);
      sum.update(added.duplicate());
      bytes += added.remaining();
      while (added.hasRemaining()) {
        channel.write(added);
      }
      channel.force(true);
    }
    return new EmbeddingManifest.Lines(count, bytes, CheckedJson.hex(sum.getValue()));
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
