package org.clip4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/** CRC-32C of files. */
public final class Crc {
  private Crc() {}

  public static long of(Path file) throws IOException {
    return of(file, Long.MAX_VALUE).getValue();
  }

  /** Of the first bytes of a file, to be continued. */
  public static CRC32C of(Path file, long bytes) throws IOException {
    CRC32C sum = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
    try (FileChannel channel = FileChannel.open(file)) {
      while (bytes > 0) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), bytes));
        int read = channel.read(buffer);
        if (read < 0) {
          break;
        }
        sum.update(buffer.flip());
        bytes -= read;
      }
    }
    return sum;
  }
}
