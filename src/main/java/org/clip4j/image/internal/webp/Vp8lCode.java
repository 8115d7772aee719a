package org.clip4j.image.internal.webp;

import java.io.IOException;

/**
 * A prefix code of lossless WebP as a table: entries are found by the next 8 bits, those of longer
 * codes by further bits in a table of their own.
 */
final class Vp8lCode {

  static final int LONGEST = 15;
  private static final int ROOT = 8;

  /** Length above, symbol below; where negative, bits and place of a second table. */
  private final int[] table;

  private final int rootMask;

  private Vp8lCode(int[] table, int rootBits) {
    this.table = table;
    this.rootMask = (1 << rootBits) - 1;
  }

  /**
   * @param lengths of the symbols' codes, 0 for none
   */
  static Vp8lCode of(int[] lengths) throws IOException {
    int[] next = new int[LONGEST + 2];
    int used = 0;
    int only = 0;
    int longest = 0;
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      int length = lengths[symbol];
      if (length > 0) {
        next[length + 1]++;
        used++;
        only = symbol;
        longest = Math.max(longest, length);
      }
    }
    if (used == 1) {
      return new Vp8lCode(new int[] {only}, 0); // takes no bits
    }
    int code = 0;
    for (int length = 1; length <= LONGEST; length++) {
      int count = next[length + 1];
      next[length] = code;
      code = code + count << 1;
    }
    if (used == 0 || code != 2 << LONGEST) {
      throw new IOException("a prefix code in it is not complete");
    }
    // 1. The reversed code of each symbol, and how long codes with the same first bits get.
    int root = Math.min(ROOT, longest);
    int[] reversed = new int[lengths.length];
    int[] below = new int[1 << root];
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      int length = lengths[symbol];
      if (length > 0) {
        reversed[symbol] = Integer.reverse(next[length]++) >>> 32 - length;
        int first = reversed[symbol] & (1 << root) - 1;
        below[first] = Math.max(below[first], length - root);
      }
    }
    // 2. Places of the second tables.
    int size = 1 << root;
    int[] place = new int[1 << root];
    for (int i = 0; i < place.length; i++) {
      if (below[i] > 0) {
        place[i] = size;
        size += 1 << below[i];
      }
    }
    // 3. Each code, followed by whatever bits.
    int[] table = new int[size];
    for (int symbol = 0; symbol < lengths.length; symbol++) {
      int length = lengths[symbol];
      if (length == 0) {
        continue;
      }
      if (length <= root) {
        for (int i = reversed[symbol]; i < 1 << root; i += 1 << length) {
          table[i] = length << 16 | symbol;
        }
      } else {
        int first = reversed[symbol] & (1 << root) - 1;
        table[first] = 1 << 31 | below[first] << 24 | place[first];
        int rest = length - root;
        for (int i = reversed[symbol] >> root; i < 1 << below[first]; i += 1 << rest) {
          table[place[first] + i] = rest << 16 | symbol;
        }
      }
    }
    return new Vp8lCode(table, root);
  }

  int read(Vp8lBits bits) {
    int ahead = bits.peek();
    int entry = table[ahead & rootMask];
    if (entry < 0) {
      bits.skip(ROOT);
      int more = (1 << (entry >> 24 & 0x7F)) - 1;
      entry = table[(entry & 0xFFFFFF) + (ahead >>> ROOT & more)];
    }
    bits.skip(entry >> 16);
    return entry & 0xFFFF;
  }
}
