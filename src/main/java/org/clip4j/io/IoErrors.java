package org.clip4j.io;

import static java.util.Map.entry;

import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileLockInterruptionException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Says what went wrong in words. The JDK's exceptions about files often hold a path as their whole
 * message, and some hold nothing; this is what every message, log line and ledger takes in place of
 * {@link Throwable#getMessage()}.
 */
public final class IoErrors {
  private static final Map<Class<?>, String> REASONS =
      Map.ofEntries(
          entry(NoSuchFileException.class, "it does not exist"),
          entry(
              AccessDeniedException.class,
              "access is denied; look at its permissions, and at those of the folders above it"),
          entry(DirectoryNotEmptyException.class, "the folder is not empty"),
          entry(NotDirectoryException.class, "it is not a folder"),
          entry(FileAlreadyExistsException.class, "it exists already"),
          entry(FileSystemLoopException.class, "its links lead round in a circle"),
          entry(NotLinkException.class, "it is not a link"));

  private IoErrors() {}

  /** Does something with files. */
  public interface Work<T extends @Nullable Object> {
    /** Does it. */
    T run() throws IOException;
  }

  /** Returns the reason of a failure: never null, and never only a path. */
  public static String message(Throwable e) {
    String own = e.getMessage();
    if (e instanceof UncheckedIOException unchecked
        && (own == null || own.equals(unchecked.getCause().toString()))) {
      return message(unchecked.getCause());
    }
    if (e instanceof FileSystemException file && isBare(file)) {
      return worded(file).getMessage();
    }
    if (isInterruption(e) && (own == null || e instanceof InterruptedException)) {
      return "the thread was interrupted";
    }
    if (own != null && !own.isBlank()) {
      return own;
    }
    if (e instanceof ClosedChannelException) {
      return "the file or connection was closed meanwhile";
    }
    if (e instanceof EOFException) {
      return "it ends too early";
    }
    if (e instanceof CharacterCodingException) {
      return "it holds bytes that are no text in its encoding";
    }
    return e.getClass().getSimpleName()
        + (e.getCause() == null || e.getCause() == e ? "" : ": " + message(e.getCause()));
  }

  /**
   * Returns the reason of a failure with a file whose name the failure may not know: "No space left
   * on device" alone does not say where.
   */
  public static String message(Path file, Throwable e) {
    String reason = message(e);
    return reason.contains(file.toString()) ? reason : file + ": " + reason;
  }

  /** Quotes a text from a file, cut to a length fit for a message. */
  public static String quote(String text) {
    return "'" + (text.length() <= 200 ? text : text.substring(0, 200) + "...") + "'";
  }

  /**
   * Returns the same failure with its reason as the message: of the same class where that can hold
   * one.
   *
   * @return what is given where its message says enough
   */
  public static IOException worded(IOException e) {
    if (!(e instanceof FileSystemException file) || !isBare(file)) {
      return e.getMessage() != null
          ? e
          : caused(
              isInterruption(e)
                  ? new InterruptedIOException(message(e))
                  : new IOException(message(e)),
              e);
    }
    String name = file.getFile() == null ? "a file" : file.getFile();
    String other = file.getOtherFile();
    String reason = reason(file);
    if (e instanceof NoSuchFileException) {
      return caused(new NoSuchFileException(name, other, reason), e);
    }
    if (e instanceof AccessDeniedException) {
      return caused(new AccessDeniedException(name, other, reason), e);
    }
    if (e instanceof FileAlreadyExistsException) {
      return caused(new FileAlreadyExistsException(name, other, reason), e);
    }
    return caused(new FileSystemException(name, other, reason), e);
  }

  /**
   * Does something, and says in words what goes wrong, see {@link #worded(IOException)}.
   *
   * @throws IOException as the work does, with a message that is more than a path
   */
  public static <T extends @Nullable Object> T worded(Work<T> work) throws IOException {
    try {
      return work.run();
    } catch (IOException e) {
      throw worded(e);
    }
  }

  /**
   * Does as {@link #worded(IOException)}, with the name of the file where a message lacks it: "Is a
   * directory" does not say which.
   */
  public static IOException worded(Path file, IOException e) {
    IOException worded = worded(e);
    String message = message(file, worded);
    return worded.getClass() != IOException.class || message.equals(worded.getMessage())
        ? worded
        : new IOException(message, e);
  }

  /**
   * Does something with a file, and says in words what goes wrong, see {@link #worded(Path,
   * IOException)}.
   *
   * @throws IOException as the work does, with a message that is more than a path
   */
  public static <T extends @Nullable Object> T worded(Path file, Work<T> work) throws IOException {
    try {
      return work.run();
    } catch (IOException e) {
      throw worded(file, e);
    }
  }

  /**
   * Returns the same failure for those who may not throw it.
   *
   * @return with {@link #message(Throwable)} as its message
   */
  public static UncheckedIOException unchecked(IOException e) {
    return new UncheckedIOException(message(e), e);
  }

  /** Tells whether a failure comes of the thread having been interrupted. */
  public static boolean isInterruption(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof InterruptedException
          || cause instanceof ClosedByInterruptException
          || cause instanceof FileLockInterruptionException
          || cause.getClass() == InterruptedIOException.class) {
        return true;
      }
    }
    return false;
  }

  private static <E extends IOException> E caused(E made, IOException cause) {
    made.initCause(cause);
    return made;
  }

  private static boolean isBare(FileSystemException e) {
    return e.getReason() == null || e.getReason().isBlank();
  }

  private static String reason(FileSystemException e) {
    String usual = "the system gives no reason (" + e.getClass().getSimpleName() + ")";
    return REASONS.getOrDefault(e.getClass(), usual);
  }
}
