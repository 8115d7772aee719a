package org.clip4j.image.internal.webp;

import java.io.IOException;

/** The arithmetic decoder of VP8: bits with given probabilities of being zero, in 256ths. */
final class Vp8Bits {

  private final byte[] data;
  private final int end;
  private int at;
  private long value;

  /** How many bits of the value lie below the eight that the next decision looks at. */
  private int below = -8;

  private int range = 255;
  private int missing;

  Vp8Bits(byte[] data, int from, int end) {
    this.data = data;
    this.at = from;
    this.end = end;
  }

  int bit(int probability) {
    if (below < 0) {
      fill();
    }
    int split = 1 + ((range - 1) * probability >> 8);
    long scaled = (long) split << below;
    int bit;
    if (value >= scaled) {
      value -= scaled;
      range -= split;
      bit = 1;
    } else {
      range = split;
      bit = 0;
    }
    int shift = Integer.numberOfLeadingZeros(range) - 24;
    range <<= shift;
    below -= shift;
    return bit;
  }

  boolean flag() {
    return bit(128) != 0;
  }

  /** An unsigned number, highest bit first. */
  int number(int bits) {
    int v = 0;
    for (int i = 0; i < bits; i++) {
      v = v << 1 | bit(128);
    }
    return v;
  }

  /** A number and its sign. */
  int signed(int bits) {
    int v = number(bits);
    return flag() ? -v : v;
  }

  /** A number with sign, or zero where a flag says that there is none. */
  int optional(int bits) {
    return flag() ? signed(bits) : 0;
  }

  /** Fails if more was read than there was; the coder may look one byte ahead. */
  void checkEnd() throws IOException {
    if (missing > 1) {
      throw new IOException("it is truncated: its coded data end too early");
    }
  }

  private void fill() {
    while (below < 0 || below < 32 && at < end) {
      int next = 0;
      if (at < end) {
        next = data[at++] & 0xFF;
      } else {
        missing++;
      }
      value = value << 8 | next;
      below += 8;
    }
  }
}
