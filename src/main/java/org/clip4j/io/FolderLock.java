package org.clip4j.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second writer out of a folder, in this process or another, until it is closed. */
public final class FolderLock implements AutoCloseable {
  private final FileChannel channel;

  /** Makes the folder if need be. */
  public FolderLock(Path folder) throws IOException {
    Files.createDirectories(folder);
    channel =
        FileChannel.open(
            folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      // held in this process
    } finally {
      if (lock == null) {
        channel.close();
      }
    }
    if (lock == null) {
      throw new IOException(folder + " is being written by another process; wait until it is done");
    }
  }

  @Override
  public void close() throws IOException {
    channel.close(); // and the lock with it
  }
}
