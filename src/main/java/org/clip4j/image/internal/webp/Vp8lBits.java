package org.clip4j.image.internal.webp;

import java.io.IOException;

/** Bits of lossless WebP, lowest first. */
final class Vp8lBits {

  private final byte[] data;
  private final int end;
  private int at;
  private long value;
  private int available;
  private int missing;

  Vp8lBits(byte[] data, int from, int end) {
    this.data = data;
    this.at = from;
    this.end = end;
  }

  /** A number of up to 32 bits. */
  int read(int count) {
    int v = peek() & (int) ((1L << count) - 1);
    skip(count);
    return v;
  }

  boolean flag() {
    return read(1) != 0;
  }

  /** The next 32 bits, left where they are. */
  int peek() {
    while (available < 32) {
      if (at < end) {
        value |= (data[at++] & 0xFFL) << available;
      } else {
        missing += 8;
      }
      available += 8;
    }
    return (int) value;
  }

  void skip(int count) {
    value >>>= count;
    available -= count;
  }

  /** Fails if more was read than there was. */
  void checkEnd() throws IOException {
    if (missing > available) {
      throw new IOException("it is truncated: its coded data end too early");
    }
  }
}
