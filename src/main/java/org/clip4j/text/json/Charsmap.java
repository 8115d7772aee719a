package org.clip4j.text.json;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.BitSet;
import org.clip4j.io.IoErrors;

/**
 * Checks SentencePiece's precompiled character map: a double-array trie (darts-clone's layout) of
 * texts, whose values point into a block of zero-terminated replacements. The native library looks
 * neither at the trie's bounds nor at the replacements', and would end the process.
 */
final class Charsmap {
  /** The published one, nmt_nfkc, has about a quarter of this. */
  private static final int MAX_BYTES = 1 << 20;

  /** Bytes of a replacement; the longest in Unicode's compatibility forms is 33. */
  private static final int MAX_REPLACEMENT = 64;

  private final ByteBuffer bytes;
  private final int units;

  private Charsmap(ByteBuffer bytes, int units) {
    this.bytes = bytes;
    this.units = units;
  }

  /**
   * Checks a map.
   *
   * @throws IllegalArgumentException if something is wrong with it; the message says what
   */
  static void check(String base64) {
    if (base64.length() > MAX_BYTES) {
      throw bad("has more than " + MAX_BYTES + " characters");
    }
    byte[] decoded;
    try {
      decoded = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw bad("is not base 64: " + IoErrors.message(e));
    }
    ByteBuffer bytes = ByteBuffer.wrap(decoded).order(ByteOrder.LITTLE_ENDIAN);
    int size = decoded.length < 8 ? 0 : bytes.getInt();
    if (size < 4 || size % 4 != 0 || size > decoded.length - 4) {
      throw bad("is cut off: its trie has " + size + " bytes among " + decoded.length);
    }
    new Charsmap(bytes, size / 4).check();
  }

  private static IllegalArgumentException bad(String problem) {
    return new IllegalArgumentException("the precompiled character map " + problem);
  }

  private int unit(int index) {
    return bytes.getInt(4 + 4 * index);
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & 0x200) >>> 6);
  }

  private void check() {
    ByteBuffer texts = bytes.slice(4 + 4 * units, bytes.capacity() - 4 - 4 * units);
    if (!isUtf8(texts)) {
      throw bad("has replacements that are not UTF-8");
    }
    BitSet seen = new BitSet(units);
    ArrayDeque<Integer> bases = new ArrayDeque<>();
    bases.add(offset(unit(0)));
    while (!bases.isEmpty()) {
      int base = bases.remove();
      if (base < 0 || base >= units) {
        throw bad("points outside of its trie");
      }
      if (seen.get(base)) {
        continue;
      }
      seen.set(base);
      for (int label = 1; label < 256; label++) {
        int at = base ^ label; // is read before its label is looked at
        if (at >= units) {
          throw bad("points outside of its trie");
        }
        int unit = unit(at);
        if ((unit & 0x800000FF) != label) {
          continue;
        }
        int next = at ^ offset(unit);
        bases.add(next);
        if ((unit & 0x100) != 0) {
          if (next < 0 || next >= units || !isReplacement(texts, unit(next) & 0x7fffffff)) {
            throw bad("points outside of its replacements");
          }
        }
      }
    }
  }

  private static boolean isUtf8(ByteBuffer texts) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(texts.duplicate());
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private static boolean isReplacement(ByteBuffer texts, int start) {
    if (start >= texts.capacity() || (texts.get(start) & 0xC0) == 0x80) {
      return false;
    }
    for (int i = start; i < texts.capacity() && i <= start + MAX_REPLACEMENT; i++) {
      if (texts.get(i) == 0) {
        return true;
      }
    }
    return false;
  }
}
