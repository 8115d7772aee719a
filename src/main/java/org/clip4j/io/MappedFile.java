package org.clip4j.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A mapped file, and how long it was when it was mapped.
 *
 * @param bytes its length
 */
public record MappedFile(Path file, long bytes) {

  /** Notes how long a file is now. */
  public static MappedFile of(Path file) {
    return new MappedFile(file, file.toFile().length());
  }

  /**
   * Refuses files that were cut since they were mapped: to read beyond their end gives anything, or
   * an {@link InternalError}. One that was deleted is whole as long as it is mapped.
   */
  public static void requireWhole(List<MappedFile> mapped) throws IOException {
    for (MappedFile each : mapped) {
      long bytes = each.file.toFile().length();
      if (bytes < each.bytes && Files.exists(each.file)) {
        throw new IOException(
            each.file
                + " was cut from "
                + each.bytes
                + " to "
                + bytes
                + " bytes while it was in use; close the index and restore the folder");
      }
    }
  }
}
