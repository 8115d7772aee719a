package org.clip4j.image.internal.jpeg;

import java.io.IOException;
import java.util.Arrays;

/**
 * What the scans of a JPEG file have brought so far. Each is a pass over the whole picture for its
 * decoder, however short it is, so the number of passes is bounded too.
 */
final class JpegScans {
  private static final int COEFFICIENTS = 64;

  /** Far more than encoders write. */
  private static final int MAX_SCANS = 500;

  /** What the largest pictures may have; encoders write about ten. */
  private static final int MIN_ALLOWED = 16;

  /** Pixels passed over that any file may ask for, and those that each of its bytes may. */
  private static final long FREE_WORK = 1L << 30;

  private static final int WORK_PER_BYTE = 1 << 12;

  private final byte[] componentIds;
  private final boolean progressive;
  private final long allowed;
  private final byte[][] missing; // bits of each component's coefficients; -1: all of them
  private int count;

  JpegScans(byte[] componentIds, boolean progressive, long pixels, int length) {
    this.componentIds = componentIds;
    this.progressive = progressive;
    long affordable = (FREE_WORK + (long) WORK_PER_BYTE * length) / pixels;
    allowed = Math.max(MIN_ALLOWED, Math.min(MAX_SCANS, affordable));
    missing = new byte[componentIds.length][COEFFICIENTS];
    for (byte[] component : missing) {
      Arrays.fill(component, (byte) -1);
    }
  }

  /** Notes what a scan brings, by its header. */
  void add(byte[] data, int at, int size) throws IOException {
    if (++count > allowed) {
      throw new IOException("it has more than the " + allowed + " scans allowed for its size");
    }
    int spectrum = 1 + 2 * (size < 1 ? 0 : data[at]);
    if (spectrum < 1 || size < spectrum + 3) {
      return; // the reader has words for it
    }
    int first = progressive ? data[at + spectrum] : 0;
    int last = progressive ? data[at + spectrum + 1] : COEFFICIENTS - 1;
    int bits = progressive ? data[at + spectrum + 2] & 15 : 0;
    if (first < 0 || last < first || last >= COEFFICIENTS) {
      return;
    }
    for (int i = 1; i < spectrum; i += 2) {
      for (int c = 0; c < componentIds.length; c++) {
        if (componentIds[c] == data[at + i]) {
          Arrays.fill(missing[c], first, last + 1, (byte) bits);
        }
      }
    }
  }

  /** Whether nothing is missing, so that decoders have nothing to make up. */
  boolean areComplete() {
    for (byte[] component : missing) {
      for (byte bits : component) {
        if (bits != 0) {
          return false;
        }
      }
    }
    return true;
  }
}
