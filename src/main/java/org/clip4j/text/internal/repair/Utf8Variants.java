package org.clip4j.text.internal.repair;

/**
 * Strict UTF-8, with two variants that occur in the wild: characters beyond the basic plane as a
 * pair of three-byte surrogates (CESU-8), and the null character as C0 80 (Java's).
 */
final class Utf8Variants {
  private Utf8Variants() {}

  /**
   * @param bytes bytes, held one per char
   * @return the text, or null if the bytes are malformed
   */
  static String decode(String bytes) {
    StringBuilder out = new StringBuilder(bytes.length());
    for (int i = 0; i < bytes.length(); ) {
      int b = bytes.charAt(i);
      if (b < 0x80) {
        out.append((char) b);
        i++;
        continue;
      }
      if (b == 0xc0 && continuation(bytes, i + 1) == 0) {
        out.append('\0');
        i += 2;
        continue;
      }
      int length = b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
      if (length == 0) {
        return null;
      }
      int codePoint = b & (0xff >> (length + 1));
      for (int k = 1; k < length; k++) {
        int bits = continuation(bytes, i + k);
        if (bits < 0) {
          return null;
        }
        codePoint = codePoint << 6 | bits;
      }
      i += length;
      boolean overlong = (length == 3 && codePoint < 0x800) || (length == 4 && codePoint < 0x10000);
      if (overlong || codePoint > Character.MAX_CODE_POINT) {
        return null;
      }
      if (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE) {
        int low = lowSurrogate(bytes, i);
        if (codePoint > Character.MAX_HIGH_SURROGATE || low < 0) {
          return null;
        }
        codePoint = Character.toCodePoint((char) codePoint, (char) low);
        i += 3;
      }
      out.appendCodePoint(codePoint);
    }
    return out.toString();
  }

  private static int lowSurrogate(String bytes, int index) {
    int high = continuation(bytes, index + 1);
    int low = continuation(bytes, index + 2);
    return high >= 0x30 && low >= 0 && bytes.charAt(index) == 0xed ? 0xd000 | high << 6 | low : -1;
  }

  /** The six bits of a continuation byte, or -1 if there is none at that index. */
  private static int continuation(String bytes, int index) {
    boolean is = index < bytes.length() && (bytes.charAt(index) & 0xc0) == 0x80;
    return is ? bytes.charAt(index) & 0x3f : -1;
  }
}
