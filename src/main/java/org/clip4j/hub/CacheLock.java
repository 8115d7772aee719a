package org.clip4j.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.clip4j.io.IoErrors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two from downloading one file at the same time: threads of this process for certain, other
 * Java processes where the file system has locks, Python only on Windows.
 *
 * <p>On Unix, Python's filelock takes {@code flock} and Java's channels take {@code fcntl} locks,
 * and the kernel keeps the two apart: a lock of the one does not stop the other. So a lock only
 * saves work, and no file depends on it: everyone writes to a name of their own ({@link Partial}),
 * what is complete and checked is put in place by a rename, and whoever comes second replaces it by
 * the same bytes. Recent versions of {@code huggingface_hub} do the same, since some file systems
 * have no working locks at all.
 *
 * <p>The file stays behind when the lock is released, as Python's does: removing it would let a
 * third process in beside one that waits.
 */
final class CacheLock implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(CacheLock.class);

  // Within one process a second FileChannel.lock would fail instead of waiting, and closing any
  // channel on the file would release the first.
  private static final Map<Path, ReentrantLock> THREADS = new ConcurrentHashMap<>();

  private final ReentrantLock thread;
  private FileChannel channel; // null where there is no lock to be had

  private CacheLock(ReentrantLock thread) {
    this.thread = thread;
  }

  static CacheLock acquire(Path file) throws IOException, InterruptedException {
    Path real = file.toAbsolutePath().getParent().toRealPath().resolve(file.getFileName());
    CacheLock lock = new CacheLock(THREADS.computeIfAbsent(real, path -> new ReentrantLock()));
    lock.thread.lockInterruptibly();
    try {
      lock.lockFile(real);
      return lock;
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  private void lockFile(Path file) throws FileLockInterruptionException {
    try {
      boolean isNew = !Files.exists(file, LinkOption.NOFOLLOW_LINKS);
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      if (isNew) {
        shareWithGroup(file);
      }
      FileLock held = channel.tryLock();
      if (held == null) {
        logger.info("Waiting for another process that downloads the same file, see {}", file);
        channel.lock();
      }
    } catch (FileLockInterruptionException e) {
      throw e;
    } catch (IOException e) {
      logger.debug("Going on without the lock {}: {}", file, IoErrors.message(e));
    }
  }

  /** As huggingface_hub has it, so that several users of one cache can wait for each other. */
  private static void shareWithGroup(Path file) throws IOException {
    try {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
    } catch (UnsupportedOperationException e) {
      // Windows has other ways
    }
  }

  @Override
  public void close() throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      thread.unlock();
    }
  }
}
