package org.clip4j.search.lucene;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.lucene.util.BytesRef;
import org.clip4j.io.Checksums;

/** A key of a vector's values: equal vectors, and no others, have the same. */
final class VectorKey {
  private static final int BYTES = 16;

  private VectorKey() {}

  static BytesRef of(float[] vector) {
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * vector.length);
    for (float value : vector) {
      bytes.putFloat(value + 0f); // -0 is 0
    }
    byte[] hash = Checksums.digest("SHA-256").digest(bytes.array());
    return new BytesRef(Arrays.copyOf(hash, BYTES));
  }
}
