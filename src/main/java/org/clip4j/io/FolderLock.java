package org.clip4j.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps a second writer out of a folder, in this process or another, until it is closed. */
public final class FolderLock implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FolderLock.class);

  private final FileChannel channel;

  /** Makes the folder if need be. */
  public FolderLock(Path folder) throws IOException {
    this(folder, "is being written by another process; wait until it is done");
  }

  /**
   * Makes the folder if need be.
   *
   * @param inUse what an error says of a folder that is locked already
   */
  public FolderLock(Path folder, String inUse) throws IOException {
    Files.createDirectories(folder);
    channel =
        FileChannel.open(
            folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean free = false;
    try {
      free = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      // held in this process
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be locked ({}); let no other process use it", folder, IoErrors.message(e));
      free = true;
    } finally {
      if (!free) {
        channel.close();
      }
    }
    if (!free) {
      throw new IOException(folder + " " + inUse);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close(); // and the lock with it
  }
}
