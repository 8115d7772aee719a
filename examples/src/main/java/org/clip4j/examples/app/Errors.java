package org.clip4j.examples.app;

import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;

/** Says what went wrong in words. */
public final class Errors {
  private Errors() {}

  /**
   * Returns the reason of a failure. The library's messages say enough; the JDK's exceptions about
   * files often hold a path alone, and their class is the reason.
   */
  public static String message(Throwable e) {
    String own = e.getMessage();
    if (e instanceof UncheckedIOException && (own == null || own.equals(e.getCause().toString()))) {
      return message(e.getCause());
    }
    if (e instanceof FileSystemException file && file.getReason() == null) {
      return file.getFile() + ": " + reason(file);
    }
    return own != null && !own.isBlank() ? own : words(e);
  }

  private static String reason(FileSystemException e) {
    if (e instanceof NoSuchFileException) {
      return "it does not exist";
    }
    return e instanceof AccessDeniedException
        ? "access is denied; look at its permissions, and at those of the folders above it"
        : words(e);
  }

  /** "directory not empty" of a DirectoryNotEmptyException. */
  private static String words(Throwable e) {
    return e.getClass()
        .getSimpleName()
        .replaceFirst("Exception$", "")
        .replaceAll("(?<=[a-z])(?=[A-Z])", " ")
        .toLowerCase(Locale.ROOT);
  }
}
