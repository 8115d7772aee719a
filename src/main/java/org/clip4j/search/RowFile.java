package org.clip4j.search;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import org.clip4j.io.IoErrors;
import org.clip4j.search.Vectors.Arrangement;
import org.clip4j.search.Vectors.Piece;

/**
 * The rows of a file, read and not mapped, since what was read through a mapping counts as memory
 * that the process uses.
 *
 * @param first number of the first row in the index
 */
record RowFile(NpyFile npy, Arrangement layout, int first, int count) {

  /** Is given rows, and must not keep them. */
  @FunctionalInterface
  interface Blocks {
    /**
     * Takes them.
     *
     * @param first number of the first
     * @param rows the first {@code count} of these
     */
    void accept(int first, int count, float[][] rows) throws IOException;
  }

  /** Reads all rows, {@link Vectors#BLOCK} at a time. */
  void read(int dimensions, Blocks into) throws IOException {
    float[][] rows = new float[Math.min(Vectors.BLOCK, count)][dimensions];
    int most = layout == Arrangement.COLUMNS ? Vectors.BLOCK : rows.length;
    ByteBuffer bytes =
        ByteBuffer.allocate(most * dimensions * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    FloatBuffer values = bytes.asFloatBuffer();
    try (FileChannel channel = FileChannel.open(npy.file())) {
      channel.position(npy.offset());
      for (int done = 0; done < count; done += rows.length) {
        int now = Math.min(rows.length, count - done);
        bytes.clear();
        if (layout == Arrangement.ROWS) {
          bytes.limit(now * dimensions * Float.BYTES);
        }
        while (bytes.hasRemaining()) {
          if (channel.read(bytes) < 0) {
            throw new EOFException(npy.file() + " was cut while it was read");
          }
        }
        Piece block = new Piece(layout, dimensions, values, 0, now);
        for (int i = 0; i < now; i++) {
          block.copy(i, rows[i]);
        }
        into.accept(first + done, now, rows);
      }
    } catch (IOException e) {
      throw IoErrors.worded(npy.file(), e);
    }
  }
}
