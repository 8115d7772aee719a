package org.clip4j.train.internal.checkpoint;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.clip4j.io.JsonFile;

/** Files and folders of checkpoints that outlive whatever happens to the process or the machine. */
final class RunFiles {
  /** Far more than the settings of any training take. */
  private static final int MAX_JSON_BYTES = 4 << 20;

  private RunFiles() {}

  /** Writes a new file and syncs it. */
  static void write(Path file, String text) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
  }

  /** Renames a file or folder within its folder in one step that survives a power cut. */
  static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    syncFolder(to.toAbsolutePath().getParent());
  }

  /** Makes a folder's entries survive a power cut, where the system can open a folder. */
  static void syncFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows does not open folders; its renames are journalled
    }
  }

  /** Deletes a folder with all in it, links themselves and not what they point at. */
  static void delete(Path folder) throws IOException {
    List<Path> found;
    try (Stream<Path> all = Files.walk(folder)) {
      found = all.sorted((a, b) -> b.getNameCount() - a.getNameCount()).toList();
    }
    for (Path path : found) {
      Files.deleteIfExists(path);
    }
  }

  /** Size and checksum of a file, as a text to compare. */
  static String fingerprint(Path file) throws IOException {
    CRC32C sum = new CRC32C();
    byte[] buffer = new byte[1 << 16];
    long size = 0;
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sum.update(buffer, 0, n);
        size += n;
      }
    }
    return fingerprint(size, sum);
  }

  static String fingerprint(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return fingerprint(bytes.length, sum);
  }

  private static String fingerprint(long size, CRC32C sum) {
    return String.format(Locale.ROOT, "%d bytes, crc32c %08x", size, sum.getValue());
  }

  /**
   * Reads a file of one JSON object.
   *
   * @throws IOException if it cannot be read or is anything else; the message names it
   */
  static JsonObject readJson(Path file) throws IOException {
    return JsonFile.read(file, MAX_JSON_BYTES, IOException::new);
  }
}
