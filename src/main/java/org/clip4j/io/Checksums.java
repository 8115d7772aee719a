package org.clip4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.CRC32C;

/** CRC-32C of files, and the digests that every Java has. */
public final class Checksums {
  private Checksums() {}

  /** Returns the CRC-32C of a file. */
  public static long of(Path file) throws IOException {
    return of(file, Long.MAX_VALUE).getValue();
  }

  /** Returns the CRC-32C of the first bytes of a file, to be continued. */
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

  /** Starts a digest, such as SHA-256. */
  public static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has it", e);
    }
  }
}
