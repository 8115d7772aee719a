package org.clip4j.io;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * Reads and writes names of files as text, whatever the locale. Without one that can write them
 * ({@code LC_ALL=POSIX}, the usual one of a container) the JDK turns what is not ASCII into
 * replacement characters, and refuses such names; but it keeps a path's bytes, and its address as a
 * URI shows and takes them. Names are taken to be UTF-8, as everywhere but on old disks.
 */
public final class FileNames {
  private static final char REPLACEMENT = '\uFFFD';

  private FileNames() {}

  /** Returns a path as text, with the characters that its bytes are in UTF-8. */
  public static String text(Path path) {
    String text = path.toString();
    if (text.indexOf(REPLACEMENT) < 0) {
      return text;
    }
    // A URI is absolute: what is more than the path's own names is cut off.
    String whole = decoded(path.toUri().getRawPath());
    if (path.isAbsolute()) {
      return whole.length() > 1 && whole.endsWith("/")
          ? whole.substring(0, whole.length() - 1)
          : whole;
    }
    String[] parts = whole.split("/");
    StringBuilder own = new StringBuilder();
    for (int i = parts.length - path.getNameCount(); i < parts.length; i++) {
      own.append(own.length() == 0 ? "" : "/").append(parts[i]);
    }
    return own.toString();
  }

  private static String decoded(String rawPath) {
    return URLDecoder.decode(rawPath.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  /**
   * Returns the path of a name.
   *
   * @throws InvalidPathException if no file can have that name
   */
  public static Path of(String name) {
    return resolve(Path.of(""), name);
  }

  /**
   * Returns the path of a name below a folder, or of the name alone where that is absolute.
   *
   * @throws InvalidPathException if no file can have that name
   */
  public static Path resolve(Path folder, String name) {
    try {
      return folder.resolve(name);
    } catch (InvalidPathException e) {
      if (name.indexOf('\0') >= 0 || name.isEmpty() || isAscii(name)) {
        throw e;
      }
      String address =
          name.startsWith("/")
              ? "file://"
              : folder.toAbsolutePath().toUri().toString().replaceFirst("/*$", "/");
      try {
        return Path.of(URI.create(address + encoded(name)));
      } catch (IllegalArgumentException no) {
        throw e;
      }
    }
  }

  /**
   * Returns the file beside another that has the same name but for its extension, byte by byte.
   *
   * @param extension with its dot
   */
  public static Path sibling(Path file, String extension) {
    String name = file.getFileName().toString();
    if (name.indexOf(REPLACEMENT) < 0) {
      return file.resolveSibling(withoutExtension(name) + extension);
    }
    return Path.of(URI.create(withoutExtension(file.toUri().toString()) + extension));
  }

  private static String withoutExtension(String name) {
    return name.substring(0, name.lastIndexOf('.'));
  }

  private static boolean isAscii(String name) {
    return name.chars().allMatch(c -> c < 0x80);
  }

  private static String encoded(String name) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "-._~/".indexOf(c) >= 0);
      if (plain) {
        encoded.append(c);
      } else {
        encoded.append('%').append(Character.forDigit(c >> 4, 16));
        encoded.append(Character.forDigit(c & 15, 16));
      }
    }
    return encoded.toString();
  }
}
