package org.clip4j.data.internal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.clip4j.io.Checksums;

/**
 * Makes and compares what a feed's data come to, in few words by name, so that a checkpoint can
 * tell later whether they are still the same and what changed. Names, captions and sizes go into
 * it, image files' content does not. A folder may be moved: names count from it.
 */
public final class DataDigest {

  private DataDigest() {}

  /**
   * Returns what differs, a sentence each; empty if nothing does.
   *
   * @param then what was stored
   */
  public static List<String> differences(Map<String, String> now, Map<String, String> then) {
    List<String> differences = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>(now.keySet());
    names.addAll(then.keySet());
    for (String name : names) {
      String is = now.get(name);
      String was = then.get(name);
      if (is == null) {
        differences.add(name + ": was " + was + ", is gone");
      } else if (was == null) {
        differences.add(name + ": is new, " + is);
      } else if (!is.equals(was)) {
        differences.add(name + ": was " + was + ", is " + is);
      }
    }
    return differences;
  }

  /** SHA-256 of a row of texts and numbers, shortened to 128 bits. */
  public static final class Hash {
    private final MessageDigest sha = Checksums.digest("SHA-256");

    public void add(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      add(bytes.length);
      sha.update(bytes);
    }

    public void add(long number) {
      sha.update(ByteBuffer.allocate(Long.BYTES).putLong(number).flip());
    }

    public String value() {
      return "sha256:" + HexFormat.of().formatHex(sha.digest(), 0, 16);
    }
  }
}
