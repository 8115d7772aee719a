package org.clip4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Files that replace others only once all of them are complete: each is written beside its target
 * under a name that starts with a dot and ends in {@code .tmp}, and {@link #commit} syncs all of
 * them before it renames the first, in the order of their creation. Until then nothing that was
 * there has changed, whatever happens; a process that is killed leaves at most stray {@code .tmp}
 * files.
 */
public final class StagedFiles implements AutoCloseable {
  private static final AtomicLong COUNTER = new AtomicLong();

  private record Staged(Path temporary, Path target, FileChannel channel) {}

  private static final Set<StandardOpenOption> NEW =
      Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.READ);
  private static final Set<StandardOpenOption> REPLACED =
      Set.of(
          StandardOpenOption.CREATE,
          StandardOpenOption.TRUNCATE_EXISTING,
          StandardOpenOption.WRITE,
          StandardOpenOption.READ);

  private final List<Staged> files = new ArrayList<>();
  private final boolean isAlone;

  /** Begins, beside others who may be writing the same files. */
  public StagedFiles() {
    this(false);
  }

  private StagedFiles(boolean isAlone) {
    this.isAlone = isAlone;
  }

  /**
   * Begins where nobody else writes, as in a folder that is locked: what is there of a temporary
   * name is the rest of a killed process, and is replaced.
   */
  public static StagedFiles ofSoleWriter() {
    return new StagedFiles(true);
  }

  /** Replaces one file by this text, where nobody else writes. */
  public static void replace(Path target, String text) throws IOException {
    try (StagedFiles staged = ofSoleWriter()) {
      staged.write(target, text);
      staged.commit();
    }
  }

  /** Creates a file that will replace the target; its channel is closed by this object. */
  public FileChannel create(Path target) throws IOException {
    Path absolute = target.toAbsolutePath();
    while (true) {
      // Not Files.createTempFile, whose files nobody but their owner may read.
      String mark =
          isAlone ? "" : "." + ProcessHandle.current().pid() + "-" + COUNTER.getAndIncrement();
      Path temporary = absolute.resolveSibling("." + absolute.getFileName() + mark + ".tmp");
      try {
        FileChannel channel = FileChannel.open(temporary, isAlone ? REPLACED : NEW);
        files.add(new Staged(temporary, absolute, channel));
        return channel;
      } catch (FileAlreadyExistsException e) {
        // left by a killed process of the same id; the next number will do
      }
    }
  }

  /** Creates a file of UTF-8 text that will replace the target. */
  public void write(Path target, String text) throws IOException {
    write(target, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Creates a file of these bytes that will replace the target. */
  public void write(Path target, byte[] content) throws IOException {
    FileChannel channel = create(target);
    ByteBuffer bytes = ByteBuffer.wrap(content);
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Syncs every file to disk, then puts each in its place. */
  public void commit() throws IOException {
    for (Staged file : files) {
      file.channel.force(true);
      file.channel.close();
    }
    Set<Path> folders = new LinkedHashSet<>();
    while (!files.isEmpty()) {
      Staged file = files.get(0);
      Files.move(
          file.temporary,
          file.target,
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      folders.add(file.target.getParent());
      files.remove(0);
    }
    for (Path folder : folders) {
      syncFolder(folder);
    }
  }

  /**
   * Makes renames in a folder themselves survive a power cut, where the system can open a folder.
   */
  public static void syncFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows does not open folders; its renames are journalled
    }
  }

  /** Deletes what was not committed. */
  @Override
  public void close() throws IOException {
    IOException first = null;
    for (Staged file : files) {
      try {
        file.channel.close();
        Files.deleteIfExists(file.temporary);
      } catch (IOException e) {
        first = first == null ? e : first;
      }
    }
    files.clear();
    if (first != null) {
      throw first;
    }
  }
}
