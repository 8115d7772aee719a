package org.clip4j.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.clip4j.io.Checksums;

/**
 * The hash that a file's content must have.
 *
 * @param git whether it is git's: SHA-1 over {@code blob SIZE} and the content; else it is SHA-256
 * @param hex the hash
 */
record BlobChecksum(boolean git, String hex) {
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  static boolean isSha1(String hex) {
    return hex != null && SHA1.matcher(hex).matches();
  }

  static boolean isSha256(String hex) {
    return hex != null && SHA256.matcher(hex).matches();
  }

  /** A digest that the content of so many bytes is to be fed to. */
  MessageDigest start(long size) {
    MessageDigest digest = Checksums.digest(git ? "SHA-1" : "SHA-256");
    if (git) {
      digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    return digest;
  }

  boolean matches(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest()).equals(hex);
  }

  @Override
  public String toString() {
    return (git ? "git hash " : "SHA-256 ") + hex;
  }
}
