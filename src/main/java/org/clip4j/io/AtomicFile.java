package org.clip4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that takes its place only when all of it is on disk: written beside its target under a
 * name that starts with a dot and ends in {@code .tmp}, synced, and renamed. Closed before {@link
 * #commit}, it leaves what was there.
 */
public final class AtomicFile implements AutoCloseable {
  private final Path target;
  private final Path temporary;
  private final FileChannel channel;

  public AtomicFile(Path file) throws IOException {
    target = file.toAbsolutePath();
    // One writer at a time holds a folder (EmbeddingWriter), so what is there of that name is the
    // rest of a killed process.
    temporary = target.resolveSibling("." + target.getFileName() + ".tmp");
    channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  public static void write(Path file, String text) throws IOException {
    try (AtomicFile whole = new AtomicFile(file)) {
      whole.write(StandardCharsets.UTF_8.encode(text));
      whole.commit();
    }
  }

  public void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  public void commit() throws IOException {
    channel.force(true);
    channel.close();
    Files.move(
        temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    syncFolder(target.getParent());
  }

  /** Makes the rename itself survive a power cut, where the system can open a folder. */
  private static void syncFolder(Path folder) {
    try (FileChannel opened = FileChannel.open(folder, StandardOpenOption.READ)) {
      opened.force(true);
    } catch (IOException e) {
      // Windows does not open folders; its renames are journalled
    }
  }

  @Override
  public void close() throws IOException {
    if (channel.isOpen()) {
      channel.close();
      Files.deleteIfExists(temporary);
    }
  }
}
