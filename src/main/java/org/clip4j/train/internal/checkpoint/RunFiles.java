package org.clip4j.train.internal.checkpoint;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.clip4j.io.CheckedJson;
import org.clip4j.io.Checksums;
import org.clip4j.io.JsonFile;
import org.clip4j.io.StagedFiles;

/** Files and folders of checkpoints that outlive whatever happens to the process or the machine. */
final class RunFiles {
  /** Far more than the settings of any training take. */
  private static final int MAX_JSON_BYTES = 4 << 20;

  private RunFiles() {}

  /** Renames a file or folder within its folder in one step that survives a power cut. */
  static void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    StagedFiles.syncFolder(to.toAbsolutePath().getParent());
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
    return fingerprint(Files.size(file), Checksums.of(file));
  }

  static String fingerprint(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return fingerprint(bytes.length, sum.getValue());
  }

  private static String fingerprint(long size, long crc32c) {
    return size + " bytes, crc32c " + CheckedJson.hex(crc32c);
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
