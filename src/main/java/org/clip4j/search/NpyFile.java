package org.clip4j.search;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.clip4j.io.IoErrors;
import org.clip4j.io.NpyHeader;
import org.clip4j.io.StagedFiles;

/**
 * A matrix in NumPy's {@code .npy} format: float32, little-endian, C order, one vector a row. What
 * {@code np.save} writes and {@code np.load} reads, also memory-mapped.
 *
 * <p>Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays". Version 1.0 is
 * written; 1.0, 2.0 and 3.0 are read.
 *
 * @param rows N
 * @param dimensions E, the length of a row
 * @param offset of the first value in the file, in bytes
 */
record NpyFile(Path file, int rows, int dimensions, long offset) {
  private static final int ALIGNMENT = 64; // of the values, so that they can be mapped
  private static final long MAX_MAPPED_FLOATS = 1L << 28; // 1 GiB; one mapping holds less than 2

  /**
   * Reads the header of a file.
   *
   * @throws IOException if it cannot be read, is no {@code .npy} file of a float32 matrix, or is
   *     longer or shorter than its header says; the message names it
   */
  static NpyFile open(Path file) throws IOException {
    return IoErrors.worded(file, () -> openFile(file));
  }

  private static NpyFile openFile(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      return of(file, NpyHeader.read(file, channel), channel.size());
    }
  }

  private static NpyFile of(Path file, NpyHeader header, long size) throws IOException {
    if (!header.type().equals("<f4")) {
      throw new IOException(
          file
              + " holds "
              + header.type()
              + "; float32 (<f4) is needed: np.save(file, array.astype(\"<f4\"))");
    }
    if (header.shape().size() != 2) {
      throw new IOException(
          file + " has the shape " + header.shape() + "; a matrix [N, E] is needed");
    }
    long rows = header.shape().get(0);
    long dimensions = header.shape().get(1);
    if (rows > Integer.MAX_VALUE || dimensions < 1 || dimensions > Vectors.MAX_DIMENSIONS) {
      throw new IOException(
          file
              + " has the shape "
              + header.shape()
              + "; at most "
              + Integer.MAX_VALUE
              + " rows of 1 to "
              + Vectors.MAX_DIMENSIONS
              + " values are supported");
    }
    long expected = header.offset() + rows * dimensions * Float.BYTES;
    if (size != expected) {
      throw new IOException(
          file + " has " + size + " bytes where its header needs " + expected + "; it is damaged");
    }
    return new NpyFile(file, (int) rows, (int) dimensions, header.offset());
  }

  /**
   * Writes pieces in {@link Vectors.Arrangement#ROWS}; what the file held is replaced only when all
   * is on disk.
   *
   * @return checksum of the file
   */
  static long write(Path file, int dimensions, List<Vectors.Piece> pieces) throws IOException {
    int rows = pieces.stream().mapToInt(Vectors.Piece::count).sum();
    return write(file, rows + ", " + dimensions, pieces, dimensions);
  }

  /**
   * Writes a piece in {@link Vectors.Arrangement#COLUMNS}, as a matrix of shape (N / 256 * E, 256)
   * whose last E rows may end in what is of no meaning.
   *
   * @return checksum of the file
   */
  static long writeColumns(Path file, Vectors.Piece piece) throws IOException {
    String shape = blocks(piece) * piece.dimensions() + ", " + Vectors.BLOCK;
    return write(file, shape, List.of(piece), piece.dimensions() * Vectors.BLOCK);
  }

  private static long write(Path file, String shape, List<Vectors.Piece> pieces, int width)
      throws IOException {
    CRC32C sum = new CRC32C();
    try (StagedFiles staged = StagedFiles.ofSoleWriter()) {
      FileChannel channel = staged.create(file);
      put(channel, sum, header(shape));
      for (Vectors.Piece piece : pieces) {
        boolean columns = piece.layout() == Vectors.Arrangement.COLUMNS;
        int units = columns ? blocks(piece) : piece.count();
        float[] values = new float[width];
        ByteBuffer bytes = ByteBuffer.allocate(width * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < units; i++) {
          piece.values().get(i * width, values);
          bytes.asFloatBuffer().put(values);
          put(channel, sum, bytes);
          bytes.clear();
        }
      }
      staged.commit();
    }
    return sum.getValue();
  }

  private static int blocks(Vectors.Piece piece) {
    return (piece.count() + Vectors.BLOCK - 1) / Vectors.BLOCK;
  }

  private static void put(FileChannel file, CRC32C sum, ByteBuffer bytes) throws IOException {
    sum.update(bytes.duplicate());
    while (bytes.hasRemaining()) {
      file.write(bytes);
    }
  }

  private static ByteBuffer header(String shape) {
    String fields = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
    int end = NpyHeader.MAGIC.length + 4 + fields.length() + 1;
    int padding = (ALIGNMENT - end % ALIGNMENT) % ALIGNMENT;
    ByteBuffer header = ByteBuffer.allocate(end + padding).order(ByteOrder.LITTLE_ENDIAN);
    header.put(NpyHeader.MAGIC).put((byte) 1).put((byte) 0);
    header.putShort((short) (fields.length() + padding + 1));
    header.put((fields + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII));
    return header.flip();
  }

  /** The values, mapped, in pieces of whole rows. */
  List<FloatBuffer> map() throws IOException {
    List<FloatBuffer> pieces = new ArrayList<>();
    try (FileChannel channel = FileChannel.open(file)) {
      long rowBytes = (long) dimensions * Float.BYTES;
      int rowsPerPiece = (int) Math.max(1, MAX_MAPPED_FLOATS / dimensions);
      for (long row = 0; row < rows; row += rowsPerPiece) {
        long bytes = Math.min(rowsPerPiece, rows - row) * rowBytes;
        pieces.add(
            channel
                .map(FileChannel.MapMode.READ_ONLY, offset + row * rowBytes, bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer());
      }
    }
    return pieces;
  }
}
