package org.clip4j.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What has been received of a file. While it is written it has a name that nobody else uses, {@code
 * ETAG.clip4j-XXXXXXXX.incomplete}; when a download ends early it becomes {@code ETAG.incomplete},
 * where the next one looks, be it ours or that of older versions of {@code huggingface_hub}.
 *
 * <p>To go on with such a file is to rename it first, so that only one can have it. The writer also
 * locks it: a file of a name of ours that can be locked was left by a process that was killed, and
 * is taken over too. Should a lock not hold, two may write to one file; the checksum then fails,
 * and the download starts again with a file of its own.
 */
final class Partial implements AutoCloseable {
  private static final String SUFFIX = ".incomplete";
  private static final String OWN = ".clip4j-";

  private final Path blob;
  private final Path file;
  private final FileChannel channel;
  private boolean done;

  private Partial(Path blob, Path file, FileChannel channel) {
    this.blob = blob;
    this.file = file;
    this.channel = channel;
  }

  /** Takes over the largest file that was left for this content, or makes a new one. */
  static Partial claim(Path blob) throws IOException {
    for (Path left : leftovers(blob)) {
      Partial taken = take(left, blob);
      if (taken != null) {
        return taken;
      }
    }
    return fresh(blob);
  }

  /** Takes over a file; null if it is gone, not ours to write to, or being written. */
  private static Partial take(Path left, Path blob) throws IOException {
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              left, StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
      if (lock(channel)) {
        Path own = ownName(blob);
        ModelCache.move(left, own);
        return new Partial(blob, own, channel);
      }
    } catch (IOException e) {
      // gone, or not ours to write to
    }
    if (channel != null) {
      channel.close();
    }
    return null;
  }

  /** Makes an empty file; another one, if somebody takes it for left behind before it is locked. */
  static Partial fresh(Path blob) throws IOException {
    while (true) {
      Path own = ownName(blob);
      FileChannel channel =
          FileChannel.open(
              own,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      if (lock(channel)) {
        return new Partial(blob, own, channel);
      }
      channel.close();
    }
  }

  private static Path ownName(Path blob) {
    return blob.resolveSibling(blob.getFileName() + OWN + ModelCache.unique() + SUFFIX);
  }

  private static List<Path> leftovers(Path blob) throws IOException {
    String name = blob.getFileName().toString(); // a hash, nothing that a pattern would mean
    Map<Long, Path> bySize = new TreeMap<>(Comparator.reverseOrder());
    for (String pattern : new String[] {name + OWN + "*" + SUFFIX, name + SUFFIX}) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(blob.getParent(), pattern)) {
        for (Path file : files) {
          try {
            BasicFileAttributes found =
                Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (found.isRegularFile()) {
              bySize.put(found.size(), file);
            }
          } catch (NoSuchFileException e) {
            // another has renamed it meanwhile
          }
        }
      }
    }
    return new ArrayList<>(bySize.values());
  }

  /** Whether nobody else writes to the file, as far as this system can tell. */
  private static boolean lock(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException e) {
      return true; // a file system without locks
    }
  }

  long size() throws IOException {
    return channel.size();
  }

  /** Feeds a digest what is there, and stands at its end. */
  void digest(MessageDigest digest) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    channel.position(0);
    while (channel.read(buffer) >= 0) {
      digest.update(buffer.flip());
      buffer.clear();
    }
  }

  void append(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Forgets what is there. */
  void clear() throws IOException {
    channel.truncate(0);
    channel.position(0);
  }

  /** Syncs the file and gives it its name, in place of anything that has it. */
  void publish() throws IOException {
    channel.force(true);
    ModelCache.move(file, blob); // while it is locked, else another may take it over first
    done = true;
    channel.close();
  }

  void delete() throws IOException {
    done = true;
    channel.close();
    Files.deleteIfExists(file);
  }

  /** Leaves what is there for the next attempt, unless it was published or deleted. */
  @Override
  public void close() throws IOException {
    if (done) {
      return;
    }
    try (channel) { // locked until it has its name
      Path rest = blob.resolveSibling(blob.getFileName() + SUFFIX);
      if (Files.size(file) == 0) {
        Files.deleteIfExists(file);
      } else if (!Files.exists(rest, LinkOption.NOFOLLOW_LINKS)) {
        ModelCache.move(file, rest);
      } // else it keeps its name, by which it is found as well
    }
  }
}
